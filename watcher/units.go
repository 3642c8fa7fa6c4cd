package watcher

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"slices"

	"sdwhy/enrich"
)

const (
	typeReply = 2
	// unitRows is the signature of ListUnits' reply (man org.freedesktop.systemd1).
	unitRows = "a(ssssssouso)"
	// smallRow is fewer bytes than most rows have.
	smallRow = 192
)

// signatureOf reads the signature of a message's body from its header; nil for none.
func signatureOf(head []byte) []byte {
	r := wire{b: head, order: byteOrder(head[0]), at: 12}
	end := 16 + int(r.u32())
	for r.at < end && !r.bad {
		r.align(8)
		field, sig := r.u8(), r.signature()
		if field == 8 {
			return r.text(string(sig))
		}
		if rest := r.skip(sig, 0); len(rest) > 0 {
			return nil
		}
	}
	return nil
}

// hollow gives a message's header and, for the body, an array of nothing in it.
func hollow(head []byte) []byte {
	empty := append(slices.Clone(head), 0, 0, 0, 0, 0, 0, 0, 0)
	byteOrder(head[0]).PutUint32(empty[4:], 8)
	return empty
}

// A flow reads marshalled values, as a wire does, but as they arrive: what is not wanted is
// never in memory. err is the first thing that went wrong; after it, all is zero.
type flow struct {
	in    *bufio.Reader
	order binary.ByteOrder
	at    int // in the body
	size  int // of the body
	err   error
}

// readUnits reads ListUnits' reply, of which size bytes follow the header. It takes 3 MB
// for 10,000 units, and godbus makes 10 MB of that.
func readUnits(in *bufio.Reader, order binary.ByteOrder, size int) ([]enrich.Listed, error) {
	r := &flow{in: in, order: order, size: size}
	n := uint64(r.u32())
	r.align(8)
	if r.err == nil && uint64(r.at)+n != uint64(size) {
		r.err = fmt.Errorf("an array of %d bytes in a body of %d", n, size)
	}
	units := make([]enrich.Listed, 0, min(n/smallRow, 1<<14))
	for r.err == nil && r.at < size {
		units = append(units, r.unit())
	}
	if r.err != nil {
		return nil, fmt.Errorf("read systemd's list of units: %w", r.err)
	}
	return units, nil
}

// unit reads name, description, load, active and sub state, following, path, job id, type and path.
func (r *flow) unit() (l enrich.Listed) {
	r.align(8)
	l.Unit = string(r.str())
	r.pass()
	r.pass()
	l.Active = word(r.str())
	l.Sub = word(r.str())
	r.pass()
	r.pass()
	l.Job = r.u32()
	l.JobType = string(r.str())
	r.pass()
	return l
}

// take gives the next n bytes, valid until more is read.
func (r *flow) take(n int) []byte {
	if r.fits(n) {
		b, err := r.in.Peek(n)
		if err == nil {
			_, err = r.in.Discard(n)
		}
		if r.err = err; err == nil {
			return b
		}
	}
	return nil
}

// fits says whether the next n bytes are in the body, and passes over them.
func (r *flow) fits(n int) bool {
	if r.err == nil && (n < 0 || n > r.size-r.at) {
		r.err = fmt.Errorf("a value of %d bytes where %d are left", n, r.size-r.at)
	}
	if r.err == nil {
		r.at += n
	}
	return r.err == nil
}

func (r *flow) align(n int) { r.take(-r.at & (n - 1)) }

func (r *flow) u32() uint32 {
	r.align(4)
	if b := r.take(4); b != nil {
		return r.order.Uint32(b)
	}
	return 0
}

// str reads a string or an object path; of its length, it fits an int.
func (r *flow) str() []byte {
	n := min(r.u32(), maxFrame)
	b := r.take(int(n) + 1)
	return b[:max(0, len(b)-1)]
}

// pass passes over a string or an object path.
func (r *flow) pass() {
	if n := int(min(r.u32(), maxFrame)) + 1; r.fits(n) {
		_, r.err = r.in.Discard(n)
	}
}
