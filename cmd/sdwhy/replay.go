package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"sdwhy/enrich"
)

func (a *app) replayCommand() *cobra.Command {
	c := newConfig()
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "decide again on a recording",
		Long: `Replay feeds a recording, made by "sdwhy watch --record FILE", through the same
rules and prints the events as watch did. FILE may be - for standard input.`,
		Example: "  sdwhy replay bug.jsonl\n  sdwhy replay --output json --include 'nginx*' - < bug.jsonl",
		Args:    exactly("replay", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.config(cmd)
			if err != nil {
				return err
			}
			return a.replay(c, args[0])
		},
	}
	c.outputFlags(cmd.Flags())
	return cmd
}

// replay prints the events of the recording at path.
func (a *app) replay(c *Config, path string) error {
	in := a.stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return &hintError{fmt.Errorf("cannot replay: %w", err), "a recording is made by: sdwhy watch --record FILE"}
		}
		defer file.Close()
		in = file
	}
	keep, err := c.filter()
	if err != nil {
		return err
	}
	out, err := newPrinter(c.printed(), a.stdout, styleFor(a.stdout, a.env))
	if err != nil {
		return err
	}
	err = replay(in, a.log, func(e enrich.Event) error {
		if !keep.keep(e) {
			return nil
		}
		return out.Write(e)
	})
	if err != nil {
		err = fmt.Errorf("replay of %s: %w", path, err)
	}
	return errors.Join(out.Flush(), err)
}

// replay gives the events of a recording, in order. It stops where the recording
// stops: what still waited for evidence then had not been told live either.
func replay(in io.Reader, log *slog.Logger, each func(enrich.Event) error) error {
	var correlator *enrich.Correlator
	err := readRecording(in, func(o enrich.Observation) error {
		if correlator == nil {
			if o.Kind != enrich.KindStart {
				return fmt.Errorf("it begins with %q instead of %q: is it a recording of sdwhy's?", o.Kind, enrich.KindStart)
			}
			correlator = enrich.New(o.Options)
		}
		for _, e := range correlator.Observe(o) {
			if err := each(e); err != nil {
				return err
			}
		}
		correlator.Wants() // answered in the recording, where they were
		return nil
	})
	switch {
	case errors.Is(err, errTruncated):
		log.Warn("the recording is cut off, as when sdwhy was killed; the events before are complete", "at", err)
		return nil
	case err == nil && correlator == nil:
		return errors.New("it is empty")
	}
	return err
}
