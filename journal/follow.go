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
	Place   place
}

// A tailer is the child's side of a Follower. It sends entries as they are read;
// the parent decodes them.
type tailer struct {
	spec    spec
	manager manager
	wake    *waker
	out     *bufio.Writer
	main    *stream // the manager's own entries
	rest    *stream // what else is followed
	aux     *reader // for tails, for the newest and the oldest entry: a warm handle of its own

	place     place
	cursor    []byte    // of the entry sent last, where it is newer than place
	last      int64     // realtime of the entry sent last, µs
	told      time.Time // when a place was last told
	refreshed time.Time // when new and removed files were last taken up
	moved     time.Time // when a file last came or went
	bad       []string  // damaged files that have been told
	stat      string    // what the directories looked like, where inotify cannot be had
	polling   bool
	sent      int // entries since the last wait
	pacer     pacer
}

// follow is the child's life: it drains the journal, says so, and waits.
func follow(ctx context.Context, s spec, stdin *os.File, out *bufio.Writer) error {
	m, err := parseManager(s.Manager)
	if err != nil {
		return err
	}
	t := &tailer{spec: s, manager: m, out: out, place: s.Place}
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
			if err := writeJSON(out, frameUp, t.reached()); err != nil {
				return err
			}
		}
		if err := t.wait(behind); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
	return nil
}

// wait flushes what was read and waits for a reason to read on.
func (t *tailer) wait(behind bool) error {
	t.tell(behind)
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("journal child: %w", err)
	}
	if pause := t.pacer.pause(t.sent, time.Now()); pause > 0 && !behind {
		time.Sleep(pause) // a command waits as well
	}
	t.sent = 0
	timeout := idleWake
	switch {
	case behind:
		timeout = 0
	case t.polling || t.wake.inotify < 0:
		timeout = pollWake
	}
	woken, err := t.wake.wait(timeout)
	if err != nil {
		return err
	}
	if err := t.refresh(behind, woken.files); err != nil {
		return err
	}
	for _, want := range woken.tails {
		if err := t.tail(want); err != nil {
			return err
		}
	}
	if len(woken.tails) > 0 {
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
	t.reached()
	t.place.Seen = now.Add(-seenSlack).UnixMicro()
	writeJSON(t.out, framePlace, t.place) // an error stays in out until Flush
}

// drain sends on what can be read, up to a batch; behind says that there may be more.
func (t *tailer) drain() (behind bool, err error) {
	for read := 0; read < batch; {
		n, err := t.round()
		switch {
		case gone(err):
			return true, t.reopen(err.Error())
		case err != nil || t.main.done() && t.rest.done():
			return false, err
		}
		read += n
	}
	return true, nil
}

// send sends an entry's frame.
func (t *tailer) send(frame []byte) error {
	t.last, t.cursor = rawTime(frame[frameHead:]), append(t.cursor[:0], rawCursor(frame[frameHead:])...)
	t.sent++
	_, err := t.out.Write(frame)
	return err
}

// reached is the place of what was sent last.
func (t *tailer) reached() place {
	if len(t.cursor) > 0 {
		t.place, t.cursor = place{Cursor: string(t.cursor), Seen: t.last}, t.cursor[:0]
	}
	return t.place
}

func (t *tailer) lose(count int, why string) error {
	return writeJSON(t.out, frameLost, loss{Count: count, Why: why})
}

// tail answers with the last lines of a unit's run, oldest first; none is an answer too.
func (t *tailer) tail(want tail) error {
	t.aux.refresh()
	own := decoder{manager: t.manager, own: true}
	if err := t.aux.match([]term{ownTerm(own.manager, want.Unit, want.Invocation)}); err != nil {
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
