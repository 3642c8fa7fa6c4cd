package watcher

import (
	"encoding/binary"
	"math"
	"strings"

	"sdwhy/enrich"
)

const typeSignal = 4

// A signal is a message whose header has been read, its body not.
type signal struct {
	path, iface, member, signature []byte
	directed                       bool // it is addressed to one client
	body                           wire
}

// parseSignal reads a signal's header (D-Bus specification, "Message Format"). It
// reports false for what it cannot read.
func parseSignal(frame []byte) (s signal, ok bool) {
	if len(frame) < 16 || frame[1] != typeSignal || frameSize(frame) != len(frame) {
		return s, false
	}
	r := wire{b: frame, order: byteOrder(frame[0]), at: 12}
	end := 16 + int(r.u32())
	for r.at < end && !r.bad {
		r.align(8)
		field, sig := r.u8(), r.signature()
		to := s.field(field)
		if to == nil {
			return s, false
		}
		*to = r.text(string(sig))
		s.directed = s.directed || field == fieldDestination
	}
	r.align(8)
	if r.bad || r.at != (end+7)&^7 {
		return s, false
	}
	s.body = r
	return s, true
}

const fieldDestination = 6

// field says where a header field goes; nil for those that no signal of systemd's has.
func (s *signal) field(n byte) *[]byte {
	switch n {
	case 1:
		return &s.path
	case 2:
		return &s.iface
	case 3:
		return &s.member
	case 8:
		return &s.signature
	case fieldDestination, 7: // 7 is the sender
		return new([]byte)
	}
	return nil
}

// ours says whether decode knows the signal: those that come in floods. The rest is godbus'.
func (s *signal) ours() bool {
	switch string(s.iface) {
	case propsName:
		return string(s.member) == "PropertiesChanged"
	case manager:
		switch string(s.member) {
		case "JobNew", "JobRemoved", "UnitNew", "UnitRemoved":
			return true
		}
	}
	return false
}

// decode does for a signal of ours what the function decode does for one from godbus.
func (s *signal) decode() (any, bool) {
	r := s.body
	switch string(s.member) {
	case "JobNew":
		return r.job(enrich.KindJobNew, string(s.signature) == "uos")
	case "JobRemoved":
		return r.job(enrich.KindJobRemoved, string(s.signature) == "uoss")
	case "UnitNew":
		return r.unit(enrich.KindUnitNew, string(s.signature) == "so")
	case "UnitRemoved":
		return r.unit(enrich.KindUnitRemoved, string(s.signature) == "so")
	}
	if string(s.signature) != "sa{sv}as" {
		return nil, false
	}
	return r.flush(s.path)
}

func (r *wire) job(kind enrich.Kind, ok bool) (any, bool) {
	if !ok {
		return nil, false
	}
	n := &note{kind: kind, job: enrich.Job{ID: r.u32()}}
	r.str()
	n.unit = string(r.str())
	if kind == enrich.KindJobRemoved {
		n.job.Result = word(r.str())
	}
	return n, r.done()
}

func (r *wire) unit(kind enrich.Kind, ok bool) (any, bool) {
	if !ok {
		return nil, false
	}
	n := &note{kind: kind, unit: string(r.str())}
	r.str()
	return n, r.done()
}

// flush reads PropertiesChanged's s a{sv} as. It does not read the names of the invalidated.
func (r *wire) flush(path []byte) (any, bool) {
	iface := ifaceOf(string(r.str()))
	if r.bad || iface == "" {
		return nil, !r.bad
	}
	f := &flush{path: string(path), iface: iface}
	if !strings.HasPrefix(f.path, unitPath) || len(f.path) == len(unitPath) || f.path == unitPath+"_" {
		return nil, false
	}
	end := r.array(8)
	for r.at < end && !r.bad {
		r.align(8)
		name := r.str()
		if v, wanted := r.variant(); wanted && !r.bad && !f.set(name, v) {
			return nil, false
		}
	}
	return f, !r.bad
}

// A wire reads D-Bus' marshalled values (D-Bus specification, "Marshaling"). Once something
// is wrong it is bad, and gives zeros. What it gives is borrowed from the message.
type wire struct {
	b     []byte
	order binary.ByteOrder
	at    int
	bad   bool
}

// done says whether all was read, and well.
func (r *wire) done() bool { return !r.bad && r.at == len(r.b) }

// take gives the next n bytes.
func (r *wire) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b)-r.at {
		r.bad = true
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

func (r *wire) align(n int) { r.take(-r.at & (n - 1)) }

func (r *wire) u8() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *wire) u32() uint32 {
	r.align(4)
	if b := r.take(4); b != nil {
		return r.order.Uint32(b)
	}
	return 0
}

func (r *wire) u64() uint64 {
	r.align(8)
	if b := r.take(8); b != nil {
		return r.order.Uint64(b)
	}
	return 0
}

// str reads a string or an object path.
func (r *wire) str() []byte {
	n := r.u32()
	if n > math.MaxInt32 {
		r.bad = true
	}
	b := r.take(int(n))
	r.take(1)
	return b
}

func (r *wire) signature() []byte {
	b := r.take(int(r.u8()))
	r.take(1)
	return b
}

// text reads a header field's value.
func (r *wire) text(sig string) []byte {
	switch sig {
	case "s", "o":
		return r.str()
	case "g":
		return r.signature()
	}
	r.bad = true
	return nil
}

// array reads an array's length and gives where it ends.
func (r *wire) array(align int) int {
	n := r.u32()
	r.align(align)
	if uint64(n) > uint64(len(r.b)-r.at) {
		r.bad = true
		return r.at
	}
	return r.at + int(n)
}
