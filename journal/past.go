package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sdwhy/enrich"
)

// A Past answers many queries about one journal that is opened once. It reads in
// this process: a file that is cut under it ends the process by SIGBUS. It belongs
// to one goroutine.
type Past struct {
	r       *reader
	manager manager
	where   where
}

// OpenPast opens the journal that q names (Directory, Files, Manager).
func OpenPast(q Query) (*Past, error) {
	r, m, err := q.open()
	if err != nil {
		return nil, err
	}
	return &Past{r: r, manager: m, where: q.where()}, nil
}

// Close closes the journal.
func (p *Past) Close() error { return p.r.Close() }

// Read gives the query's entries to emit, in order, until it returns false. Each has
// its BootID. Where q reads is as OpenPast was told.
func (p *Past) Read(ctx context.Context, q Query, emit func(enrich.Entry) bool) error {
	var err error
	if q.Units, err = p.r.expand(q.Units, p.manager); err != nil {
		return err
	}
	return p.read(ctx, q, queryTerms(q, p.manager), emit)
}

// Skipped says what could not be read: files that are no sound journals, and entries
// of damaged ones so far.
func (p *Past) Skipped() (files []string, entries int) {
	return p.where.damaged(time.Time{}), p.r.skipped
}

// Around gives what happened on the machine from one moment to another (µs since the
// epoch, both included), whichever unit it was about, limit entries at most: the
// manager's entries, and those of who asks it: sudo and dbus-daemon.
func (p *Past) Around(ctx context.Context, from, to int64, limit int, emit func(enrich.Entry) bool) error {
	terms := []term{p.manager.origin()}
	for _, t := range contextTerms(p.manager) {
		if slices.Contains(t, "SYSLOG_IDENTIFIER=sudo") || slices.Contains(t, "SYSLOG_IDENTIFIER=dbus-daemon") {
			terms = append(terms, t)
		}
	}
	return p.read(ctx, Query{Since: from, Until: to, Limit: limit}, terms, emit)
}

func (p *Past) read(ctx context.Context, q Query, terms []term, emit func(enrich.Entry) bool) error {
	if err := p.r.match(terms); err != nil {
		return fmt.Errorf("match in %s: %w", p.where, err)
	}
	if err := q.seek(p.r, place{}); err != nil {
		return fmt.Errorf("seek in %s: %w", p.where, err)
	}
	err := q.scan(ctx, p.r, q.decoder(p.manager), func(_ []byte, e enrich.Entry) bool { return emit(e) })
	if err != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("read %s: %w", p.where, err)
	}
	return err
}

// Edges gives the entries, oldest first, that say that a boot was over or that one of
// the targets named was started or reached: where a boot ends and a shutdown begins.
func (p *Past) Edges(ctx context.Context, since, until int64, targets []string, emit func(enrich.Entry) bool) error {
	reached := p.manager.origin().and(id(enrich.MsgStarting, enrich.MsgStarted)...)
	for _, t := range targets {
		reached = reached.and(fieldNames[p.manager.unitField()] + "=" + t)
	}
	terms := []term{p.manager.origin().and(id(enrich.MsgStartupFinished, enrich.MsgUserStartup)...), reached}
	return p.read(ctx, Query{Since: since, Until: until}, terms, emit)
}
