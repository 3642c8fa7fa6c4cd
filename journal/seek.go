package journal

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/sdjournal"
)

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
	ok, err := t.main.step(back)
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
	ok, err := t.main.step(onwards)
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
