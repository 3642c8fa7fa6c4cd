package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sdwhy/enrich"
	"sdwhy/journal"
	"sdwhy/riemann"
	"sdwhy/watcher"
)

// probeTimeout bounds each probe.
const probeTimeout = 15 * time.Second

// probes try what a watch with these settings would do, by the very same means.
func (a *app) probes(c *Config) []probe {
	list := []probe{
		{"D-Bus", func(ctx context.Context) (string, error) { return c.probeBus(ctx, enrich.WitnessBus) }},
		{"/proc", func(ctx context.Context) (string, error) { return c.probeBus(ctx, enrich.WitnessProc) }},
		{"journal", c.probeJournal},
		{"state directory", c.probeState},
	}
	for _, address := range c.Riemann {
		list = append(list, probe{"riemann", func(ctx context.Context) (string, error) { return c.probeRiemann(ctx, address) }})
	}
	return list
}

// errNoAnswer is a witness that says nothing in time.
var errNoAnswer = errors.New("no answer in time")

// await runs a source until the named witness has spoken, or ctx ends.
func await(ctx context.Context, name string, run func(context.Context, func(enrich.Observation)) error) (enrich.Host, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var host enrich.Host
	failed := errNoAnswer
	err := run(ctx, func(o enrich.Observation) {
		switch {
		case ctx.Err() != nil:
		case o.Kind == enrich.KindStart:
			host = o.Host
		case o.Kind == enrich.KindWitness && o.Witness.Name == name:
			failed = nil
			if !o.Witness.Up {
				failed = errors.New(o.Witness.Why)
			}
			stop()
		}
	})
	return host, errors.Join(err, failed)
}

func (c *Config) probeBus(ctx context.Context, witness string) (string, error) {
	w := &watcher.Watcher{User: c.User}
	host, err := await(ctx, witness, w.Run)
	switch {
	case err == nil && witness == enrich.WitnessProc:
		return "the processes of all users are seen", nil
	case err == nil:
		return fmt.Sprintf("subscribed to systemd %s, manager %s", host.Systemd, host.Manager), nil
	case witness == enrich.WitnessProc:
		return "", &hintError{err, "who asked is not known then; check hidepid= of /proc and ProtectProc= of the unit"}
	}
	if c.User {
		return "", &hintError{err, "does the user's manager run, and its bus? systemctl --user status dbus.socket; loginctl enable-linger keeps it running without a login"}
	}
	return "", &hintError{err, "is dbus running, and may this user open its socket? systemctl status dbus.socket"}
}

func (c *Config) probeJournal(ctx context.Context) (string, error) {
	manager := "system"
	if c.User {
		host, err := await(ctx, enrich.WitnessBus, (&watcher.Watcher{User: true}).Run)
		if err != nil {
			return "", err
		}
		manager = host.Manager
	}
	f := &journal.Follower{Exec: journalChild(), Manager: manager}
	if _, err := await(ctx, enrich.WitnessJournal, f.Run); err != nil {
		return "", err
	}
	return "can be followed", nil
}

func (c *Config) probeState(context.Context) (string, error) {
	if c.StateDirectory == "" {
		return "none: unsent events wait in memory only", nil
	}
	file, err := os.CreateTemp(c.StateDirectory, ".check-*")
	if err != nil {
		return "", &hintError{err, "make the directory, writable for sdwhy's user"}
	}
	return c.StateDirectory + " is writable", errors.Join(file.Close(), os.Remove(file.Name()))
}

func (c *Config) probeRiemann(ctx context.Context, address string) (string, error) {
	one := *c
	one.Riemann = []string{address}
	o, err := one.sending()
	if err != nil {
		return "", err
	}
	if err := riemann.Check(ctx, o); err != nil {
		return "", err
	}
	if o.Targets[0].Scheme == riemann.SchemeUDP {
		return o.Targets[0].String() + " was sent a datagram, which nobody acknowledges", nil
	}
	return o.Targets[0].String() + " acknowledged an event", nil
}
