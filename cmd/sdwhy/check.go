package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) checkCommand() *cobra.Command {
	c := newConfig()
	cmd := &cobra.Command{
		Use:   "check",
		Short: "can sdwhy see and send all it needs?",
		Args:  exactly("check"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.check(cmd) },
	}
	c.watchFlags(cmd.Flags())
	c.riemannFlags(cmd.Flags())
	return cmd
}

// A probe tries one thing that watch needs. It says what it found, or fails with
// what is wrong and how to mend it.
type probe struct {
	name string
	try  func(context.Context) (found string, err error)
}

var errCheck = errors.New("not everything is in order")

func (a *app) check(cmd *cobra.Command) error {
	var failed error
	c, err := a.config(cmd)
	if err != nil {
		a.say("configuration", "", err)
		return err
	}
	a.say("configuration", cmp.Or(c.file, "no file: defaults and flags"), nil)
	for _, p := range a.probes(c) {
		ctx, cancel := context.WithTimeout(cmd.Context(), probeTimeout)
		found, err := p.try(ctx)
		cancel()
		a.say(p.name, found, err)
		if err != nil {
			failed = errCheck
		}
	}
	return failed
}

func (a *app) say(name, found string, err error) {
	verdict := "ok  "
	if err != nil {
		verdict, found = "FAIL", err.Error()
		if hint := hintOf(err); hint != "" {
			found += "; " + hint
		}
	}
	fmt.Fprintf(a.stdout, "%s  %-15s %s\n", verdict, name, sanitize(oneLine(found)))
}
