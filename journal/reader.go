package journal

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/coreos/go-systemd/v22/sdjournal"
)

// maxData bounds a compressed field, bytes; it is a hint to libsystemd, so lengths
// are cut again by the decoder.
const maxData = 2 * maxVerdict

// A reader is one sd_journal handle. It belongs to one goroutine: sdjournal
// reads data after it has let go of its lock.
type reader struct {
	*sdjournal.Journal
	pass
	matched []term // the matches that are set
	last    record // the entry read last
	skipped int    // entries that could not be read
}

// where names the journal to open: files, else a directory, else the machine's.
type where struct {
	Directory string   `json:",omitempty"`
	Files     []string `json:",omitempty"`
}

func open(w where, m manager) (*reader, error) {
	if err := w.readable(m); err != nil {
		return nil, err
	}
	return openReader(w)
}

// openReader opens what libsystemd can of it.
func openReader(w where) (*reader, error) {
	j, err := w.journal()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", w, err)
	}
	p, err := newPass(j)
	if err == nil {
		err = j.SetDataThreshold(maxData)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", w, err), j.Close())
	}
	return &reader{Journal: j, pass: p}, nil
}

func (w where) journal() (*sdjournal.Journal, error) {
	switch {
	case len(w.Files) > 0:
		return sdjournal.NewJournalFromFiles(w.Files...)
	case w.Directory != "":
		return sdjournal.NewJournalFromDir(w.Directory)
	}
	return sdjournal.NewJournal()
}

// match replaces the reader's matches by the alternatives given. A new seek must follow.
func (r *reader) match(terms []term) error {
	if len(terms) > 0 && slices.EqualFunc(terms, r.matched, slices.Equal[term]) {
		return nil
	}
	r.unmatch()
	for i, t := range terms {
		if i > 0 {
			if err := r.AddDisjunction(); err != nil {
				return err
			}
		}
		for _, m := range t {
			if err := r.AddMatch(m); err != nil {
				return err
			}
		}
	}
	r.matched = terms
	return nil
}

// unmatch takes the matches away.
func (r *reader) unmatch() {
	r.FlushMatches()
	r.matched = nil
}

// step moves on by one entry; false at the end.
func (r *reader) step(m move) (bool, error) {
	step := r.Next
	if m == back {
		step = r.Previous
	}
	n, err := step()
	return n > 0, err
}

// raw moves and reads the entry there as the pass gives it. One that cannot be read
// is counted.
func (r *reader) raw(m move) ([]byte, error) {
	b, err := r.read(m)
	if errors.Is(err, errUnreadable) {
		r.skipped++
	}
	return b, err
}

// record moves and reads the entry there; it is good until the next.
func (r *reader) record(m move) (*record, error) {
	b, err := r.raw(m)
	if err == nil {
		err = r.last.parse(b)
	}
	return &r.last, err
}

// refresh takes up new and removed files without waiting and says what changed
// (SD_JOURNAL_NOP, APPEND or INVALIDATE); negative when inotify
// cannot be had (its limits are used up), so that only opening anew would show them.
func (r *reader) refresh() int {
	return r.Wait(0)
}

// oldest gives the realtime of the journal's first entry, µs; 0 when it is empty.
// It takes the reader's matches and place.
func (r *reader) oldest() (int64, error) {
	r.unmatch()
	if err := r.SeekHead(); err != nil {
		return 0, err
	}
	if ok, err := r.step(onwards); !ok {
		return 0, err
	}
	t, err := r.GetRealtimeUsec()
	return int64(t), err
}

// gone says whether an error means that the file under the reader cannot be read.
func gone(err error) bool {
	return errors.Is(err, syscall.EBADMSG) || errors.Is(err, syscall.ENODATA) || errors.Is(err, syscall.EIO)
}
