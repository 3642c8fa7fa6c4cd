package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sdwhy/enrich"
)

// A Past answers many queries about one journal. It opens only those of its files that
// the time in question needs, once each. It reads in this process: a file that is cut under
// it ends the process by SIGBUS. It belongs to one goroutine.
type Past struct {
	manager manager
	where   where
	files   []span
	suspect []string           // files that look damaged
	readers map[string]*reader // by the paths of their files
}

// OpenPast looks at the journal that q names (Directory, Files, Manager).
func OpenPast(q Query) (*Past, error) {
	m, err := parseManager(q.Manager)
	if err != nil {
		return nil, err
	}
	go preload() // it takes about as long as to look at the files
	w := q.where()
	if err := w.readable(m); err != nil {
		return nil, err
	}
	p := &Past{manager: m, where: w, readers: map[string]*reader{}}
	p.files, p.suspect = w.spans()
	return p, nil
}

// Close closes what was opened.
func (p *Past) Close() error {
	var errs []error
	for _, r := range p.readers {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// reader gives the reader of some of the files. Where they cannot be opened so, it is that of
// the whole journal: libsystemd then opens what it can.
func (p *Past) reader(files []span) (*reader, error) {
	key := strings.Join(paths(files), "\x00")
	if r := p.readers[key]; r != nil {
		return r, nil
	}
	r, err := openReader(where{Files: paths(files)})
	if err != nil {
		r, err = openReader(p.where)
	}
	if err == nil {
		p.readers[key] = r
	}
	return r, err
}

// Read gives the query's entries to emit, in order, until it returns false. Each has
// its BootID. Where q reads is as OpenPast was told.
func (p *Past) Read(ctx context.Context, q Query, emit func(enrich.Entry) bool) error {
	var err error
	if q.Units, err = p.expand(q.Units); err != nil {
		return err
	}
	terms := queryTerms(q, p.manager)
	if !q.Reverse {
		return p.read(ctx, q, within(p.files, q.Since, q.Until), terms, emit)
	}
	return p.readBack(ctx, q, terms, emit)
}

// readBack reads chapter after chapter, the newest first.
func (p *Past) readBack(ctx context.Context, q Query, terms []term, emit func(enrich.Entry) bool) error {
	files, users := within(p.files, q.Since, q.Until), []span(nil)
	if !p.manager.user && q.Invocation == "" {
		files, users = apart(files)
	}
	limit, more := q.Limit, true
	q.Limit = 0
	counted := func(e enrich.Entry) bool {
		limit--
		more = emit(e) && limit != 0
		return more
	}
	for _, chapter := range slices.Backward(chapters(files)) {
		if err := p.spawned(ctx, q, chapter, users, counted); err != nil || !more {
			return err
		}
		if err := p.read(ctx, q, chapter, terms, counted); err != nil || !more {
			return err
		}
	}
	return nil
}

// spawned gives what of a chapter's time stands in users' files. What a manager logs does not,
// but for the word of a child that had become that user before it failed to execute.
func (p *Past) spawned(ctx context.Context, q Query, chapter, users []span, emit func(enrich.Entry) bool) error {
	q.Since, q.Until = max(q.Since, chapter[0].from), upTo(q.Until, chapter)
	files := within(users, q.Since, q.Until)
	if q.IDs != nil || len(files) == 0 {
		return nil
	}
	q.IDs = []string{enrich.MsgSpawnFailed}
	return p.read(ctx, q, files, queryTerms(q, p.manager), emit)
}

// read reads in files. Where there are none, nothing is there to be read.
func (p *Past) read(ctx context.Context, q Query, files []span, terms []term, emit func(enrich.Entry) bool) error {
	if len(files) == 0 {
		return nil
	}
	r, err := p.reader(files)
	if err != nil {
		return err
	}
	if err := r.match(terms); err != nil {
		return fmt.Errorf("match in %s: %w", p.where, err)
	}
	if err := q.seek(r, place{}); err != nil {
		return fmt.Errorf("seek in %s: %w", p.where, err)
	}
	err = q.scan(ctx, r, q.decoder(p.manager), func(_ []byte, e enrich.Entry) bool { return emit(e) })
	if err != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("read %s: %w", p.where, err)
	}
	return err
}

// expand replaces globs by the unit names that any of the files knows.
func (p *Past) expand(patterns []string) ([]string, error) {
	if !slices.ContainsFunc(patterns, isGlob) {
		return patterns, nil
	}
	r, err := p.reader(p.files)
	if err != nil {
		return nil, err
	}
	return r.expand(patterns, p.manager)
}

// Skipped says what could not be read: files that are no sound journals, and entries
// of damaged ones so far.
func (p *Past) Skipped() (files []string, entries int) {
	for _, r := range p.readers {
		entries += r.skipped
	}
	return damagedOf(p.suspect, time.Time{}), entries
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
	return p.read(ctx, Query{Since: from, Until: to, Limit: limit}, within(p.files, from, to), terms, emit)
}

// Edges gives the entries, oldest first, that say that a boot was over or that one of
// the targets named was started or reached: where a boot ends and a shutdown begins.
func (p *Past) Edges(ctx context.Context, since, until int64, targets []string, emit func(enrich.Entry) bool) error {
	reached := p.manager.origin().and(id(enrich.MsgStarting, enrich.MsgStarted)...)
	for _, t := range targets {
		reached = reached.and(fieldNames[p.manager.unitField()] + "=" + t)
	}
	terms := []term{p.manager.origin().and(id(enrich.MsgStartupFinished, enrich.MsgUserStartup)...), reached}
	return p.read(ctx, Query{Since: since, Until: until}, within(p.files, since, until), terms, emit)
}
