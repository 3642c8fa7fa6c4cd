package journal

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sdwhy/enrich"
)

// Frames go from the child to its parent: one byte of kind, four of length (little
// endian), the payload. An entry has a payload of its own making, which is some
// ten times cheaper than JSON; the rest, which is rare, is JSON.
const (
	frameEntry = 'e' // an entry
	framePlace = 'p' // a place: how far the child has read
	frameUp    = 'u' // a place: it now follows at the tail
	frameLost  = 'l' // a loss
	frameLines = 't' // lines: the answer to a tail
	frameError = 'x' // text: why the child gives up
	frameValue = 'v' // JSON: the answer to a question other than entries
	frameDone  = 'd' // the query's end

	maxFrame = 1 << 20 // bytes of a payload
)

// A loss is entries that are known to be missing; Count -1 is some.
type loss struct {
	Count int
	Why   string
}

// lines are the last lines that a unit logged in one run.
type lines struct {
	Unit string
	Log  enrich.Log
}

var errFrame = errors.New("malformed frame from the journal child")

func appendFrame(b []byte, kind byte, payload []byte) []byte {
	b = append(b, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	return append(b, payload...)
}

func writeJSON(w io.Writer, kind byte, v any) error {
	payload, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(appendFrame(nil, kind, payload))
	}
	return err
}

// readFrame reads one frame into buf, growing it as needed; io.EOF only between frames.
func readFrame(r io.Reader, buf []byte) (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, buf, err
	}
	n := binary.LittleEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, buf, fmt.Errorf("%w: %d bytes", errFrame, n)
	}
	if cap(buf) < int(n) {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		return 0, buf, io.ErrUnexpectedEOF
	}
	return head[0], buf, nil
}

// texts lists an entry's strings in the order of the frame.
func texts(e *enrich.Entry) [15]*string {
	return [...]*string{
		&e.Cursor, &e.Source, &e.BootID, &e.MessageID, &e.Message, &e.Func, &e.Unit, &e.Invocation,
		&e.JobType, &e.JobResult, &e.ExitCode, &e.ExitStatus, &e.Command, &e.Result, &e.Restarts,
	}
}

func appendEntry(b []byte, e *enrich.Entry) []byte {
	for _, n := range [...]int64{e.Time, e.Mono, int64(e.Priority), int64(e.PID), int64(e.Job)} {
		b = binary.AppendVarint(b, n)
	}
	for _, s := range texts(e) {
		b = appendText(b, *s)
	}
	b = binary.AppendUvarint(b, uint64(len(e.Fields)))
	for name, value := range e.Fields {
		b = appendText(appendText(b, name), value)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// parseEntry reads what appendEntry wrote. All strings of an entry share one
// allocation.
func parseEntry(payload []byte) (enrich.Entry, error) {
	p := parser{rest: string(payload)}
	e := enrich.Entry{Time: p.number(), Mono: p.number(), Priority: int(p.number()), PID: int(p.number()), Job: uint32(p.number())}
	for _, s := range texts(&e) {
		*s = p.text()
	}
	if n := p.length(); n > 0 && !p.bad {
		e.Fields = make(map[string]string, min(n, 64))
		for range n {
			name := p.text()
			e.Fields[name] = p.text()
			if p.bad {
				break
			}
		}
	}
	if p.bad || p.rest != "" {
		return enrich.Entry{}, errFrame
	}
	return e, nil
}

// A parser reads values off a string; what is malformed makes it bad, for good.
type parser struct {
	rest string
	bad  bool
}

func (p *parser) number() int64 {
	u := p.length()
	n := int64(u >> 1)
	if u&1 != 0 {
		n = ^n
	}
	return n
}

func (p *parser) length() uint64 {
	var u uint64
	for i := 0; i < len(p.rest) && i < binary.MaxVarintLen64; i++ {
		c := p.rest[i]
		u |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			p.rest = p.rest[i+1:]
			return u
		}
	}
	p.bad, p.rest = true, ""
	return 0
}

func (p *parser) text() string {
	n := p.length()
	if n > uint64(len(p.rest)) {
		p.bad = true
		return ""
	}
	s := p.rest[:n]
	p.rest = p.rest[n:]
	return s
}
