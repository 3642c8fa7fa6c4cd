package journal

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

var sample = record{realtime: 1 << 50, monotonic: -1, fields: [fieldCount]string{
	fCursor: "s=1;i=2", fPID: "1", fUnit: "x.service", fMessage: "Started x.service.\n\x00\xff", fJob: "4294967295", fEventSeverity: "ok"}}

// appendRecord writes what the pass would read of a record.
func appendRecord(b []byte, r *record) []byte {
	b = binary.NativeEndian.AppendUint64(b, uint64(r.realtime))
	b = binary.NativeEndian.AppendUint64(b, uint64(r.monotonic))
	for f, value := range r.fields {
		if value != "" {
			b = append(binary.NativeEndian.AppendUint32(b, uint32(f)<<24|uint32(len(value))), value...)
		}
	}
	return b
}

func TestFrames(t *testing.T) {
	stream := appendFrame(nil, frameEntry, appendRecord(nil, &sample))
	stream = appendFrame(stream, frameDone, nil)
	in := bufio.NewReader(bytes.NewReader(stream))
	kind, payload, err := readFrame(in, nil)
	if kind != frameEntry || err != nil {
		t.Fatalf("first frame: %q, %v", kind, err)
	}
	var got record
	err = got.parse(payload)
	if diff := cmp.Diff(sample, got, cmp.AllowUnexported(record{})); diff != "" || err != nil {
		t.Errorf("record (-want +got):\n%s%v", diff, err)
	}
	if at, cursor := rawTime(payload), string(rawCursor(payload)); at != sample.realtime || cursor != "s=1;i=2" {
		t.Errorf("unparsed: time %d, cursor %q", at, cursor)
	}
	if kind, payload, err = readFrame(in, payload); kind != frameDone || len(payload) != 0 || err != nil {
		t.Errorf("second frame: %q %q %v", kind, payload, err)
	}
	if _, _, err = readFrame(in, nil); err != io.EOF {
		t.Errorf("at the end: %v, want EOF", err)
	}
}

// TestCutFrames cuts a stream at every byte: never a panic, never a wrong entry.
func TestCutFrames(t *testing.T) {
	payload := appendRecord(nil, &sample)
	whole := map[int]bool{recordHead: true} // a cut between items cannot be seen, and is no wrong value
	for at := recordHead; at < len(payload); whole[at] = true {
		_, n := itemAt(payload[at:])
		at += itemHead + n
	}
	for n := range payload {
		var r record
		if err := r.parse(payload[:n]); !errors.Is(err, errFrame) && !whole[n] {
			t.Errorf("entry cut at %d: %v", n, err)
		}
	}
	stream := appendFrame(nil, frameEntry, payload)
	for n := 1; n < len(stream); n++ {
		if _, _, err := readFrame(bufio.NewReader(bytes.NewReader(stream[:n])), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("frame cut at %d: %v", n, err)
		}
	}
	if _, _, err := readFrame(bufio.NewReader(bytes.NewReader([]byte{'e', 0, 0, 0, 255})), nil); !errors.Is(err, errFrame) {
		t.Errorf("frame of 4 GiB: %v", err)
	}
}

// texts lists an entry's strings.
func texts(e *enrich.Entry) []*string {
	return []*string{
		&e.Cursor, &e.Source, &e.BootID, &e.MessageID, &e.Message, &e.Func, &e.Unit, &e.Invocation,
		&e.JobType, &e.JobResult, &e.ExitCode, &e.ExitStatus, &e.Command, &e.Result, &e.Restarts,
	}
}

// FuzzRecord holds that any bytes are an error or a record whose entry is bounded UTF-8.
func FuzzRecord(f *testing.F) {
	f.Add(appendRecord(nil, &sample))
	f.Add([]byte{0x80, 0x80})
	f.Add(append(make([]byte, recordHead), 0xff, 0xff, 0xff, fMessageByte))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var r record
		if err := r.parse(payload); err != nil {
			if !errors.Is(err, errFrame) {
				t.Errorf("error %v", err)
			}
			return
		}
		e, _ := decoder{}.entry(&r)
		for _, s := range texts(&e)[1:] {
			if len(*s) > maxString+8 || !utf8.ValidString(*s) {
				t.Errorf("%q is not bounded UTF-8", *s)
			}
		}
	})
}

const fMessageByte = byte(fMessage)
