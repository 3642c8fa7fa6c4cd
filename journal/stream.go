package journal

import (
	"errors"
	"io"
)

// ahead is how many entries a stream reads before they are sent.
const ahead = 64

// A stream is what one set of matches shows of the journal, read ahead. The manager's own
// entries have one of their own: one match is found ten times faster than all
// alternatives that are followed, each of which libsystemd looks up for each step.
type stream struct {
	*reader
	standing bool     // on an entry that is not read yet
	queue    [][]byte // frames of entries read and not sent, oldest first
	buf      []byte   // what they are in
	ended    bool     // all there was when it was last filled is in queue, or sent since
}

func newStream(w where, m manager, terms []term) (*stream, error) {
	r, err := open(w, m)
	if err != nil {
		return nil, err
	}
	if err := r.match(terms); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return &stream{reader: r}, nil
}

// fill reads ahead where nothing is queued, and says how many entries could not be read.
// An error that comes after some entries comes again when these have been sent.
func (s *stream) fill() (unreadable int, err error) {
	s.ended = false
	if len(s.queue) > 0 {
		return 0, nil
	}
	s.queue, s.buf = s.queue[:0], s.buf[:0]
	for len(s.queue)+unreadable < ahead && err == nil {
		if err = s.queueNext(); errors.Is(err, errUnreadable) {
			unreadable, err = unreadable+1, nil
		}
	}
	s.ended = errors.Is(err, io.EOF)
	if s.ended || len(s.queue) > 0 {
		err = nil
	}
	return unreadable, err
}

// queueNext reads the next entry into the queue. A buf that is made anew as it grows leaves the
// frames in the old one as they are.
func (s *stream) queueNext() error {
	m := onwards
	if s.standing {
		m, s.standing = here, false
	}
	raw, err := s.raw(m)
	if err != nil {
		return err
	}
	start := len(s.buf)
	s.buf = appendFrame(s.buf, frameEntry, raw)
	s.queue = append(s.queue, s.buf[start:])
	return nil
}

// pop takes the oldest frame, which is good until the next fill.
func (s *stream) pop() []byte {
	f := s.queue[0]
	s.queue = s.queue[1:]
	return f
}

// done says that all there was has been sent.
func (s *stream) done() bool { return s.ended && len(s.queue) == 0 }

// round reads ahead in both streams and sends what is known to come next in the
// journal; read counts these and what could not be read. journald writes in order: what a
// stream did not show when it was read after another's entry does not come before that.
func (t *tailer) round() (read int, err error) {
	known := len(t.rest.queue) // read before the manager's are looked at now
	for _, s := range [...]*stream{t.main, t.rest} {
		n, err := s.fill()
		if n > 0 {
			err = errors.Join(err, t.lose(n, errUnreadable.Error()))
		}
		if err != nil {
			return 0, err
		}
		read += n
	}
	for sent := 0; ; sent++ {
		frame := t.next(sent < known)
		if frame == nil {
			return read + sent, nil
		}
		if err := t.send(frame); err != nil {
			return 0, err
		}
	}
}

// next takes the entry that comes next, nil when that is not known. A frame of the rest
// that was known before the manager's were looked at may come after all of these.
func (t *tailer) next(known bool) []byte {
	m, r := t.main, t.rest
	switch {
	case len(m.queue) > 0 && len(r.queue) > 0:
		c := order(m.queue[0], r.queue[0])
		if c > 0 {
			return r.pop()
		}
		if c == 0 { // one entry, found by both
			r.pop()
		}
		return m.pop()
	case len(m.queue) > 0 && r.ended:
		return m.pop()
	case len(r.queue) > 0 && m.ended && known:
		return r.pop()
	}
	return nil
}

// order compares the places of two entries' frames in the journal; 0 is one entry.
func order(a, b []byte) int {
	return parseCursor(string(rawCursor(a[frameHead:]))).compare(parseCursor(string(rawCursor(b[frameHead:]))))
}
