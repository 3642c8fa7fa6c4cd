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

// reloads reads the settings again at each SIGHUP, until ctx ends.
func (w *watch) reloads(ctx context.Context) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangups:
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
	fixed := fixedChanges(w.config, c)
	if (len(c.Riemann) > 0) != (w.delivery != nil) {
		fixed = append(fixed, "riemann (from none, or to none)")
	}
	if w.delivery != nil && len(c.Riemann) > 0 {
		sender, err := w.delivery.newSender(c)
		if err != nil {
			return err
		}
		w.delivery.replace(ctx, sender)
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

// restartKeys are the settings that a running watch cannot change.
var restartKeys = []string{"user", "log-lines", "verdicts", "state-directory", "metrics"}

// fixedChanges are the settings that differ and cannot change while running.
func fixedChanges(before, after *Config) []string {
	var changed []string
	b, a := reflect.ValueOf(*before), reflect.ValueOf(*after)
	for i := range b.NumField() {
		key := b.Type().Field(i).Tag.Get("toml")
		if slices.Contains(restartKeys, key) && !reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			changed = append(changed, key)
		}
	}
	return changed
}
