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
	main, rest := followTerms(t.manager)
	if t.main, err = newStream(t.spec.where, t.manager, main); err != nil {
		return err
	}
	if t.rest, err = newStream(t.spec.where, t.manager, rest); err != nil {
		return err
	}
	if t.aux, err = open(t.spec.where, t.manager); err != nil {
		return err
	}
	t.polling = min(t.main.refresh(), t.rest.refresh()) < 0
	t.aux.refresh()
	err = t.seek()
	t.damage()
	return err
}

func (t *tailer) close() {
	t.main.Close()
	t.rest.Close()
	t.aux.Close()
}

// seek goes to the place to read on from.
func (t *tailer) seek() error {
	switch p := t.reached(); {
	case p.Cursor != "":
		return t.seekCursor(p)
	case p.Seen > 0:
		return t.seekTime(p.Seen)
	}
	return t.seekTail()
}

func (t *tailer) seekTime(at int64) error {
	return errors.Join(t.main.SeekRealtimeUsec(uint64(at)), t.rest.SeekRealtimeUsec(uint64(at)))
}

// seekTail goes to the last entry and tells its place, so that a child that takes
// over misses nothing since.
func (t *tailer) seekTail() error {
	main, rest := followTerms(t.manager)
	if err := t.aux.match(append(main, rest...)); err != nil {
		return err
	}
	if err := t.aux.SeekTail(); err != nil {
		return err
	}
	t.place.Seen = time.Now().UnixMicro()
	ok, err := t.aux.step(back)
	if err != nil {
		return err
	}
	if !ok { // nothing matches yet; Next from a bare tail never returns from 254 on
		return t.seekTime(t.place.Seen)
	}
	t.place.Cursor, err = t.aux.GetCursor()
	return errors.Join(err, writeJSON(t.out, framePlace, t.place), t.seekCursor(t.place))
}

// seekCursor goes after the cursor. Next lands on the cursor's own entry, or on
// the next one where that is gone: then entries may be gone with it, unless
// the journal still reaches back to where nothing more was found.
func (t *tailer) seekCursor(p place) error {
	found := false
	for _, s := range []*stream{t.main, t.rest} {
		if err := s.SeekCursor(p.Cursor); err != nil { // no cursor at all
			t.place.Cursor = ""
			return errors.Join(t.lose(-1, err.Error()), t.seek())
		}
		ok, err := s.step(onwards)
		if err != nil {
			return err
		}
		here := ok && s.TestCursor(p.Cursor) == nil
		s.standing, found = ok && !here, found || here
	}
	if found {
		return nil
	}
	if oldest, err := t.aux.oldest(); err == nil && oldest > 0 && oldest <= p.Seen {
		return nil
	}
	return t.lose(-1, "the cursor to read on from is gone: entries before it may have been vacuumed")
}

// stale says whether files are to be taken up: at once where some came or went, else
// from time to time. A file that journald just made has no header yet and can be taken up
// when it is written to, so for a while each wake counts.
func (t *tailer) stale(now time.Time, files bool) bool {
	if files {
		t.moved = now
	}
	return t.polling || t.wake.inotify < 0 || now.Sub(t.moved) <= idleWake || now.Sub(t.refreshed) >= idleWake
}

// refresh takes up new files and lets go of those that are gone.
func (t *tailer) refresh(behind, files bool) error {
	now := time.Now()
	if !t.stale(now, files) {
		return nil
	}
	t.refreshed = now
	main, rest := t.main.refresh(), t.rest.refresh()
	if t.polling = min(main, rest) < 0; t.polling {
		return t.poll()
	}
	if max(main, rest) < sdjournal.SD_JOURNAL_INVALIDATE {
		return nil
	}
	return t.changed(behind)
}

// changed looks at what files there are now. Those that were removed before they were
// read are a loss.
func (t *tailer) changed(behind bool) error {
	t.wake.watch(t.spec.dirs())
	t.damage()
	t.aux.refresh()
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
	for _, path := range t.spec.damaged(time.UnixMicro(t.reached().realtime())) {
		if !slices.Contains(t.bad, path) {
			t.bad = append(t.bad, path)
			t.lose(-1, "damaged journal file skipped: "+path)
		}
	}
}
