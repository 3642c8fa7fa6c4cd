package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"sdwhy/enrich"
)

const (
	batch     = 512              // entries read before commands are looked at again
	seenEvery = 10 * time.Second // how often an idle child says how far it has come
	seenSlack = time.Second      // by how much an entry may become readable after its stamp
	maxTail   = 50               // entries read for one tail
)

// A spec says what a child follows, and from which place: after the cursor, else
// from Seen on, else from the tail.
type spec struct {
	where
	Manager string
	Boot    string // the boot whose entries need no BootID
	Place   place
}

// A tailer is the child's side of a Follower.
type tailer struct {
	spec   spec
	decode decoder
	wake   *waker
	out    *bufio.Writer
	main   *reader // where the following stands
	aux    *reader // for tails and for the oldest entry: a warm handle of its own

	place    place
	told     time.Time // when a place was last told
	bad      []string  // damaged files that have been told
	stat     string    // what the directories looked like, where inotify cannot be had
	polling  bool
	last     int64 // realtime of the last record read, µs
	buf      []byte
	payload  []byte
	standing bool // main stands on an entry that is not read yet
}

// follow is the child's life: it drains the journal, says so, and waits.
func follow(ctx context.Context, s spec, stdin *os.File, out *bufio.Writer) error {
	m, err := parseManager(s.Manager)
	if err != nil {
		return err
	}
	t := &tailer{spec: s, decode: decoder{manager: m, boot: s.Boot}, out: out, place: s.Place}
	t.wake = newWaker(stdin, s.dirs())
	defer t.wake.close()
	if err := t.open(); err != nil {
		return err
	}
	defer t.close()
	for up := false; ctx.Err() == nil; {
		behind, err := t.drain()
		if err != nil {
			return err
		}
		if !behind && !up {
			up = true
			if err := writeJSON(out, frameUp, t.place); err != nil {
				return err
			}
		}
		if err := t.rest(behind); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
	return nil
}

// rest flushes what was read and waits for a reason to read on.
func (t *tailer) rest(behind bool) error {
	t.tell(behind)
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("journal child: %w", err)
	}
	timeout := idleWake
	switch {
	case behind:
		timeout = 0
	case t.polling || t.wake.inotify < 0:
		timeout = pollWake
	}
	tails, _, err := t.wake.wait(timeout)
	if err != nil {
		return err
	}
	if err := t.refresh(behind); err != nil {
		return err
	}
	for _, want := range tails {
		if err := t.tail(want); err != nil {
			return err
		}
	}
	if len(tails) > 0 {
		return t.out.Flush()
	}
	return nil
}

// tell says from time to time how far the reading has come, so that a child
// that takes over need not fear for entries that never were.
func (t *tailer) tell(behind bool) {
	now := time.Now()
	if behind || now.Sub(t.told) < seenEvery {
		return
	}
	t.told = now
	t.place.Seen = now.Add(-seenSlack).UnixMicro()
	writeJSON(t.out, framePlace, t.place) // an error stays in out until Flush
}

// drain reads up to a batch of entries; behind says that there may be more.
func (t *tailer) drain() (behind bool, err error) {
	for range batch {
		m := onwards
		if t.standing {
			m, t.standing = here, false
		}
		r, err := t.main.record(m)
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case errors.Is(err, errUnreadable):
			err = t.lose(1, err.Error())
		case err == nil:
			err = t.pass(r)
		case gone(err):
			return true, t.reopen(err.Error())
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// pass sends an entry on if it says anything.
func (t *tailer) pass(r *record) error {
	t.last, t.place = r.realtime, place{Cursor: r.fields[fCursor], Seen: r.realtime}
	e, ok := t.decode.entry(r)
	if !ok {
		return nil
	}
	t.payload = appendEntry(t.payload[:0], &e)
	t.buf = appendFrame(t.buf[:0], frameEntry, t.payload)
	_, err := t.out.Write(t.buf)
	return err
}

func (t *tailer) lose(count int, why string) error {
	return writeJSON(t.out, frameLost, loss{Count: count, Why: why})
}

// tail answers with the last lines of a unit's run, oldest first; none is an answer too.
func (t *tailer) tail(want tail) error {
	own := decoder{manager: t.decode.manager, own: true}
	terms := []term{ownTerm(own.manager, want.Unit, want.Invocation)}
	if err := t.aux.match(terms); err != nil {
		return err
	}
	if err := t.aux.SeekTail(); err != nil {
		return err
	}
	l := lines{Unit: want.Unit, Log: enrich.Log{Invocation: want.Invocation}}
	for read := 0; read < maxTail && len(l.Log.Lines) < want.Lines; read++ {
		r, err := t.aux.record(back)
		if errors.Is(err, errUnreadable) {
			continue
		}
		if err != nil {
			break
		}
		if e, ok := own.entry(r); ok {
			l.Log.Lines = append(l.Log.Lines, e.Message)
		}
	}
	slices.Reverse(l.Log.Lines)
	return writeJSON(t.out, frameLines, l)
}
