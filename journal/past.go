package journal

import (
	"context"
	"errors"
	"fmt"
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
	m, err := parseManager(q.Manager)
	if err != nil {
		return nil, err
	}
	r, err := open(q.where(), m)
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
	if err := p.r.match(queryTerms(q, p.manager)); err != nil {
		return fmt.Errorf("match in %s: %w", p.where, err)
	}
	if err := q.seek(p.r, place{}); err != nil {
		return fmt.Errorf("seek in %s: %w", p.where, err)
	}
	err = q.scan(ctx, p.r, decoder{manager: p.manager, own: q.Invocation != ""}, emit)
	if err != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("read %s: %w", p.where, err)
	}
	return err
}

// Skipped says what could not be read: files that are no sound journals, and entries
// of damaged ones so far.
func (p *Past) Skipped() (files []string, entries int) {
	return p.where.damaged(time.Time{}), p.r.skipped
}
