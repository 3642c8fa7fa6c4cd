package main

import (
	"context"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"
)

// hangUps gives the SIGHUPs from here on; the first of them would end a process that does not ask.
func hangUps() chan os.Signal {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	return hangups
}

// reloads reads the settings again at each SIGHUP, until ctx ends.
func (w *watch) reloads(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.hangups:
			w.notifier.reloading(w.pipeline.clock.mono())
			if err := w.reload(ctx); err != nil {
				w.log.Error("the configuration is not reloaded, the old one stays in force", "error", err, "hint", hintOf(err))
			}
			w.notifier.loaded()
		}
	}
}

// reload brings the new settings into force: the filter and the output between two
// observations, the servers once the old sender has ended. No event is lost: those
// decided meanwhile wait in the outbox.
func (w *watch) reload(ctx context.Context) error {
	c, err := w.load()
	if err != nil {
		return err
	}
	fixed := changes(w.config, c, restartKeys)
	if moved := changes(w.config, c, riemannKeys); len(moved) > 0 {
		if w.stages.outbox == nil || len(c.Riemann) == 0 {
			fixed = append(fixed, moved...) // what is not sent yet has no place to wait in
		} else if err := w.resend(ctx, c); err != nil {
			return err
		}
	}
	w.call(ctx, func() {
		err = w.output(w.pipeline, c)
		w.config = c
	})
	if err != nil {
		return err
	}
	if len(fixed) > 0 {
		w.log.Warn("the configuration is reloaded; some settings need a restart: systemctl restart sdwhy", "settings", strings.Join(fixed, ", "))
	} else {
		w.log.Info("the configuration is reloaded")
	}
	return nil
}

// resend sends by other settings from now on.
func (w *watch) resend(ctx context.Context, c *Config) error {
	sender, err := w.delivery.newSender(c)
	if err == nil {
		w.delivery.replace(ctx, sender)
	}
	return err
}

var (
	// restartKeys are the settings that a running watch cannot change.
	restartKeys = []string{"user", "log-lines", "verdicts", "state-directory", "metrics"}
	// riemannKeys are those that make another sender.
	riemannKeys = []string{
		"riemann", "tls-ca-cert", "tls-cert", "tls-key", "tls-server-name", "prefix", "ttl", "tag", "attribute",
	}
)

// changes are those of keys whose settings differ.
func changes(before, after *Config, keys []string) []string {
	var changed []string
	b, a := reflect.ValueOf(*before), reflect.ValueOf(*after)
	for i := range b.NumField() {
		key := b.Type().Field(i).Tag.Get("toml")
		if slices.Contains(keys, key) && !reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			changed = append(changed, key)
		}
	}
	return changed
}
