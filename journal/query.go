package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"sdwhy/enrich"
)

// A Query asks for entries of the past. It is answered by the journal's indexes
// alone (matches and seeks).
type Query struct {
	// Exec is the child's command line, as in Follower. Without it the journal is read
	// in this process, which is some ms faster and dies if a file is cut under it.
	Exec []string `json:"-"`

	// Directory or Files name another journal than the local one.
	Directory string
	Files     []string
	// Manager is "system" (or ""), "user-UID-PID", or "user-UID" for all of a user's managers.
	Manager string

	// Units are the units wanted, globs allowed; none is all. A glob is expanded
	// through the unit names that the journal knows; one that fits none is an error.
	Units []string
	// Jobs (JOB_ID) and IDs (MESSAGE_ID) narrow to those; Boot to one boot.
	Jobs []uint32
	IDs  []string
	Boot string
	// Since and Until are µs since the epoch, both included; 0 is open.
	Since, Until int64

	// Context asks, instead, for what names no unit but bears on causes: the end of the
	// boot, shutdown, sleep, sudo, OOM kills, dbus-daemon's activations, journald's losses.
	Context bool
	// Invocation asks, instead, for the lines that the unit itself logged in that run.
	Invocation string

	// Reverse gives the newest first. Limit ends after so many entries; 0 is no limit.
	Reverse bool
	Limit   int
}

// ErrNoUnit is a unit pattern that fits no unit in the journal.
var ErrNoUnit = errors.New("no such unit in the journal")

// Read gives the query's entries to emit, in order, until it returns false. Each
// has its BootID. A child that dies is started again after the last entry.
func Read(ctx context.Context, q Query, emit func(enrich.Entry) bool) error {
	if len(q.Exec) > 0 {
		return readByChild(ctx, q, emit)
	}
	return q.read(ctx, place{}, func(_ []byte, e enrich.Entry) bool { return emit(e) })
}

// decoder is the one for what the query asks for.
func (q Query) decoder(m manager) decoder { return decoder{manager: m, own: q.Invocation != ""} }

func (q Query) where() where { return where{Directory: q.Directory, Files: q.Files} }

// read answers the query in this process, from after the place where one is given.
func (q Query) read(ctx context.Context, from place, emit func(raw []byte, e enrich.Entry) bool) error {
	m, err := parseManager(q.Manager)
	if err != nil {
		return err
	}
	if q.Since > 0 && q.Until > 0 && q.Since > q.Until {
		return fmt.Errorf("read the journal: the range runs backwards, from %s to %s", stamp(q.Since), stamp(q.Until))
	}
	r, err := open(q.where(), m)
	if err != nil {
		return err
	}
	defer r.Close()
	if q.Units, err = r.expand(q.Units, m); err != nil {
		return err
	}
	if err := r.match(queryTerms(q, m)); err != nil {
		return err
	}
	if err := q.seek(r, from); err != nil {
		return err
	}
	return q.scan(ctx, r, q.decoder(m), emit)
}

func stamp(t int64) string { return time.UnixMicro(t).Format(time.RFC3339) }

// seek goes to just before the first entry wanted.
func (q Query) seek(r *reader, from place) error {
	switch {
	case from.Cursor != "":
		if err := r.SeekCursor(from.Cursor); err != nil {
			return err
		}
		_, err := r.step(q.onwards()) // the cursor's own entry has been emitted
		return err
	case q.Reverse && q.Until > 0:
		return r.SeekRealtimeUsec(uint64(q.Until))
	case q.Reverse:
		return r.SeekTail()
	case q.Since > 0:
		return r.SeekRealtimeUsec(uint64(q.Since))
	}
	return r.SeekHead()
}

// onwards is the move to the next entry wanted.
func (q Query) onwards() move {
	if q.Reverse {
		return back
	}
	return onwards
}

// beyond says whether a time is past the end of the range.
func (q Query) beyond(t int64) bool {
	if q.Reverse {
		return t < q.Since
	}
	return q.Until > 0 && t > q.Until
}

// scan emits, as read and as decoded, until the range or the limit ends.
func (q Query) scan(ctx context.Context, r *reader, d decoder, emit func(raw []byte, e enrich.Entry) bool) error {
	for n := 0; q.Limit == 0 || n < q.Limit; {
		raw, err := r.raw(q.onwards())
		switch {
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errUnreadable):
			continue
		case err != nil:
			return err
		case q.beyond(rawTime(raw)):
			return nil
		}
		if err := r.last.parse(raw); err != nil {
			return err
		}
		e, ok := d.entry(&r.last)
		if !ok {
			continue
		}
		if n++; !emit(raw, e) {
			return nil
		}
	}
	return nil
}

func isGlob(pattern string) bool { return strings.ContainsAny(pattern, "*?[") }

// expand replaces globs by the unit names they fit.
func (r *reader) expand(patterns []string, m manager) ([]string, error) {
	var units, known []string
	for _, p := range patterns {
		if !isGlob(p) {
			units = append(units, p)
			continue
		}
		if known == nil {
			var err error
			if known, err = r.GetUniqueValues(fieldNames[m.unitField()]); err != nil {
				return nil, fmt.Errorf("list the journal's units: %w", err)
			}
		}
		before := len(units)
		for _, u := range known {
			ok, err := path.Match(p, u)
			if err != nil {
				return nil, fmt.Errorf("unit pattern %q: %w", p, err)
			}
			if ok {
				units = append(units, u)
			}
		}
		if len(units) == before {
			return nil, fmt.Errorf("%w: %s", ErrNoUnit, p)
		}
	}
	slices.Sort(units)
	return slices.Compact(units), nil
}
