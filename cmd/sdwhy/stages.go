package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"sdwhy/enrich"
	"sdwhy/journal"
	"sdwhy/riemann"
	"sdwhy/watcher"
)

// stages are the parts of the other packages that a watch joins.
type stages struct {
	bus      *watcher.Watcher
	journal  *journal.Follower
	verdicts *journal.Verdicts // nil where not wanted
	outbox   *riemann.Outbox   // nil without a state directory
	options  enrich.Options
	hosts    chan enrich.Host // what each KindStart said
	resumed  uint64           // 1 when the time before this start is a gap, filled from the journal
	log      *slog.Logger
}

// newStages makes the stages; nothing runs yet.
func newStages(c *Config, log *slog.Logger) (*stages, error) {
	s := &stages{
		bus:     &watcher.Watcher{User: c.User, Log: log},
		journal: &journal.Follower{Exec: journalChild(), Log: log},
		options: enrich.Options{LogLines: c.LogLines},
		hosts:   make(chan enrich.Host, 1),
		log:     log,
	}
	if c.LogLines == 0 {
		s.options.LogLines = -1 // there 0 is the default
	}
	if c.Verdicts {
		s.verdicts = &journal.Verdicts{Log: log}
	}
	if c.StateDirectory != "" && len(c.Riemann) > 0 {
		if err := s.openOutbox(c.StateDirectory); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// lookBack bounds how far into the past the journal is read after a downtime.
const lookBack = 24 * time.Hour

// outboxError says in one line what is wrong with the state directory, and how to mend it.
func outboxError(err error, dir string) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path // it names the file itself
	}
	hint := "the state directory must be writable, and belongs to one sdwhy at a time"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint = "make the state directory: mkdir -m 0700 " + dir
	case errors.Is(err, fs.ErrPermission):
		hint = "the state directory must belong to the user that sdwhy runs as"
	}
	return &hintError{fmt.Errorf("cannot open the outbox: %w", err), hint}
}

// openOutbox opens the outbox and goes on in the journal where it left off: what
// systemd did meanwhile is told too, with the ids that it would have had live. What was told
// before is known to the outbox by its id.
func (s *stages) openOutbox(dir string) error {
	var err error
	if s.outbox, err = riemann.OpenOutbox(filepath.Join(dir, "outbox"), riemann.OutboxOptions{Log: s.log}); err != nil {
		return outboxError(err, dir)
	}
	since := time.Now().Add(-lookBack)
	switch cursor := s.outbox.Cursor(); {
	case cursor != "":
		s.resume(cursor, since)
	case s.outbox.SetAside() != "":
		s.journal.Since = since.UnixMicro()
	}
	return nil
}

// resume goes on in the journal after cursor, but not before since. That is a gap: jobs that left
// no entry meanwhile, no-ops and canceled ones, stay untold.
func (s *stages) resume(cursor string, since time.Time) {
	s.resumed, s.options.Since = 1, since.UnixMicro()
	last := journal.CursorTime(cursor)
	if !last.IsZero() && last.Before(since) {
		s.journal.Since = since.UnixMicro()
		s.log.Warn("sdwhy was away for longer than it looks back: what was before is not told",
			"last", last.Format(time.RFC3339), "since", since.Format(time.RFC3339))
		return
	}
	s.journal.Cursor = cursor
	s.log.Info("going on in the journal where sdwhy left off", "last", last.Format(time.RFC3339))
}

// journalChild is the command line of the journal's reader: this very binary, even
// when a package upgrade has replaced its file.
func journalChild() []string { return []string{"/proc/self/exe", "journal-child"} }

// answer passes the correlator's questions on without waiting; the answers come as observations.
func (s *stages) answer(w enrich.Wants) {
	for _, unit := range w.Configs {
		s.bus.ReadConfig(unit)
	}
	for _, unit := range w.Triggers {
		s.bus.ReadTriggers(unit)
	}
	for _, id := range w.JobTypes {
		s.bus.ReadJobType(id)
	}
	for _, r := range w.Logs {
		s.journal.Tail(r.Unit, r.Invocation, r.N)
	}
}

// begun notes which manager the bus is of; the pipeline's goroutine alone calls it, at
// each KindStart, and the newest word counts.
func (s *stages) begun(h enrich.Host) {
	select {
	case <-s.hosts:
	default:
	}
	s.hosts <- h
}

// read follows the journal of the manager that the bus is of, and answers questions
// about it. A user manager is not known before its bus has been reached.
func (s *stages) read(ctx context.Context, emit func(enrich.Observation)) error {
	for s.journal.Manager == "" {
		select {
		case <-ctx.Done():
			return nil
		case h := <-s.hosts:
			if !strings.HasSuffix(h.Manager, "-0") {
				s.journal.Manager, s.journal.BootID = h.Manager, h.BootID
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.journal.Run(ctx, emit) })
	g.Go(func() error { return s.same(ctx) })
	return g.Wait()
}

// same fails when another manager has taken the place of the one that is followed: a
// user manager that is started anew counts its jobs from 1 again.
func (s *stages) same(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case h := <-s.hosts:
			if h.Manager != s.journal.Manager {
				return fmt.Errorf("manager %s is gone, %s is in its place: start sdwhy again", s.journal.Manager, h.Manager)
			}
		}
	}
}

func (s *stages) verdict(_ string, events []enrich.Event) {
	for _, e := range events {
		s.verdicts.Write(e)
	}
}

// write writes the verdicts that are waiting, until ctx ends.
func (s *stages) write(ctx context.Context) error {
	if s.verdicts == nil {
		return nil
	}
	return s.verdicts.Run(ctx)
}

// close closes the outbox.
func (s *stages) close() {
	if s.outbox == nil {
		return
	}
	if err := s.outbox.Close(); err != nil {
		s.log.Error("cannot close the outbox", "error", err)
	}
}

// counters gathers what the stages count. It is called in the pipeline's goroutine.
func (w *watch) counters() counters {
	decided, bus, read := w.pipeline.correlator.Stats(), w.stages.bus.Stats(), w.stages.journal.Stats()
	c := counters{
		Signals: bus.Signals, Lost: bus.Dropped, Entries: uint64(read.Entries),
		Events: decided.Events, Unknown: decided.Unknown, Gaps: decided.Gaps + w.stages.resumed, Open: decided.OpenJobs,
		Scans: bus.Scans, Scan: bus.ScanTime, Lag: w.pipeline.lag,
	}
	if w.delivery != nil {
		sent := w.delivery.sender.Load().Stats()
		c.Acked, c.Queue, c.Dropped = sent.Acked, sent.Queued, sent.Dead
		for _, n := range sent.Dropped {
			c.Dropped += n
		}
	}
	return c
}

// childCommand is the hidden command that reads the journal for a watching parent:
// libsystemd can die of SIGBUS, and must not take the watcher with it.
func (a *app) childCommand() *cobra.Command {
	return &cobra.Command{
		Use: "journal-child", Hidden: true, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			frugal(a.env)
			return journal.Child(cmd.Context(), args, os.Stdin, a.stdout)
		},
	}
}
