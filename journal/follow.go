package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/sdjournal"

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

// open opens the journal at the place reached so far.
func (t *tailer) open() (err error) {
	if t.main, err = open(t.spec.where, t.decode.manager); err != nil {
		return err
	}
	if t.aux, err = open(t.spec.where, t.decode.manager); err != nil {
		return err
	}
	t.polling = t.main.refresh() < 0
	t.aux.refresh()
	if err := t.main.match(followTerms(t.decode.manager)); err != nil {
		return err
	}
	err = t.seek()
	t.damage()
	return err
}

func (t *tailer) close() {
	t.main.Close()
	t.aux.Close()
}

// seek goes to the place to read on from.
func (t *tailer) seek() error {
	switch p := t.place; {
	case p.Cursor != "":
		return t.seekCursor(p)
	case p.Seen > 0:
		return t.main.SeekRealtimeUsec(uint64(p.Seen))
	}
	return t.seekTail()
}

// seekTail goes to the last entry and tells its place, so that a child that takes
// over misses nothing since.
func (t *tailer) seekTail() error {
	if err := t.main.SeekTail(); err != nil {
		return err
	}
	t.place.Seen = time.Now().UnixMicro()
	ok, err := t.main.step(true)
	if err != nil {
		return err
	}
	if !ok { // nothing matches yet; Next from a bare tail never returns from 254 on
		return t.main.SeekRealtimeUsec(uint64(t.place.Seen))
	}
	t.place.Cursor, err = t.main.GetCursor()
	return errors.Join(err, writeJSON(t.out, framePlace, t.place))
}

// seekCursor goes after the cursor. Next lands on the cursor's own entry, or on
// the next one where that is gone: then entries may be gone with it, unless
// the journal still reaches back to where nothing more was found.
func (t *tailer) seekCursor(p place) error {
	if err := t.main.SeekCursor(p.Cursor); err != nil { // no cursor at all
		t.place.Cursor = ""
		return errors.Join(t.lose(-1, err.Error()), t.seek())
	}
	ok, err := t.main.step(false)
	if err != nil {
		return err
	}
	if ok && t.main.TestCursor(p.Cursor) == nil {
		return nil
	}
	t.standing = ok
	if oldest, err := t.aux.oldest(); err == nil && oldest > 0 && oldest <= p.Seen {
		return nil
	}
	return t.lose(-1, "the cursor to read on from is gone: entries before it may have been vacuumed")
}

// drain reads up to a batch of entries; behind says that there may be more.
func (t *tailer) drain() (behind bool, err error) {
	for range batch {
		if !t.standing {
			ok, err := t.main.step(false)
			if err != nil && gone(err) {
				return true, t.reopen(err.Error())
			}
			if !ok {
				return false, err
			}
		}
		t.standing = false
		if err := t.pass(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// pass reads the entry that main stands on and sends it on if it says anything.
func (t *tailer) pass() error {
	r, ok := t.main.record()
	if !ok {
		return t.lose(1, "a journal entry could not be read")
	}
	t.last, t.place = r.realtime, place{Cursor: r.cursor, Seen: r.realtime}
	e, ok := t.decode.entry(r)
	if !ok {
		return nil
	}
	t.payload = appendEntry(t.payload[:0], &e)
	t.buf = appendFrame(t.buf[:0], frameEntry, t.payload)
	_, err := t.out.Write(t.buf)
	return err
}

// refresh takes up new files. Those that were removed before they were read are a loss.
func (t *tailer) refresh(behind bool) error {
	change := t.main.refresh()
	t.aux.refresh()
	if t.polling = change < 0; t.polling {
		return t.poll()
	}
	if change != sdjournal.SD_JOURNAL_INVALIDATE {
		return nil
	}
	t.wake.watch(t.spec.dirs())
	t.damage()
	if oldest, err := t.aux.oldest(); behind && err == nil && oldest > t.last && t.last > 0 {
		return t.lose(-1, "journal files were removed before they were read")
	}
	return nil
}

// poll stands in for inotify: it opens the journal anew when its directories changed.
func (t *tailer) poll() error {
	var now strings.Builder
	for _, d := range t.spec.dirs() {
		if info, err := os.Stat(d); err == nil {
			fmt.Fprintln(&now, d, info.ModTime().UnixNano())
		}
	}
	old := t.stat
	t.stat = now.String()
	if old == "" || old == t.stat {
		return nil
	}
	return t.reopen("")
}

// reopen opens the journal anew at the place reached; why, if not empty, is a loss.
func (t *tailer) reopen(why string) error {
	t.close()
	if why != "" {
		if err := t.lose(-1, why); err != nil {
			return err
		}
	}
	return t.open()
}

// damage reports files that libsystemd leaves out, once each. One that was last
// written before the place reached has nothing that is missed.
func (t *tailer) damage() {
	for _, path := range t.spec.damaged(time.UnixMicro(t.place.realtime())) {
		if !slices.Contains(t.bad, path) {
			t.bad = append(t.bad, path)
			t.lose(-1, "damaged journal file skipped: "+path)
		}
	}
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
		if ok, err := t.aux.step(true); !ok || err != nil {
			break
		}
		if r, ok := t.aux.record(); ok {
			if e, ok := own.entry(r); ok {
				l.Log.Lines = append(l.Log.Lines, e.Message)
			}
		}
	}
	slices.Reverse(l.Log.Lines)
	return writeJSON(t.out, frameLines, l)
}
