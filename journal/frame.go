package journal

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sdwhy/enrich"
)

// Frames go from the child to its parent: one byte of kind, four of length (little
// endian), the payload. An entry's payload is what the pass read (pass.c): the parent
// decodes it. The rest, which is rare, is JSON.
const (
	frameEntry = 'e' // an entry, a record as the pass read it
	framePlace = 'p' // a place: how far the child has read
	frameUp    = 'u' // a place: it now follows at the tail
	frameLost  = 'l' // a loss
	frameLines = 't' // lines: the answer to a tail
	frameError = 'x' // text: why the child gives up
	frameValue = 'v' // JSON: the answer to a question other than entries
	frameDone  = 'd' // the query's end

	frameHead = 5       // bytes before the payload
	maxFrame  = 1 << 20 // bytes of a payload
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
func readFrame(r *bufio.Reader, buf []byte) (kind byte, payload []byte, err error) {
	head, err := r.Peek(frameHead)
	if err != nil {
		if len(head) > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, buf, err
	}
	kind, n := head[0], binary.LittleEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, buf, fmt.Errorf("%w: %d bytes", errFrame, n)
	}
	if cap(buf) < int(n) {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	r.Discard(frameHead) // has been peeked at
	if _, err := io.ReadFull(r, buf); err != nil {
		return 0, buf, io.ErrUnexpectedEOF
	}
	return kind, buf, nil
}
