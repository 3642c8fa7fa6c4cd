package journal

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sdwhy/enrich"
)

var sample = enrich.Entry{
	Cursor: "s=1;i=2", Source: "systemd", Time: 1 << 50, Mono: -1, Priority: 6, PID: 1, Job: 1<<32 - 1, Unit: "x.service",
	Message: "Started x.service.", JobType: "start", Restarts: "2", Fields: map[string]string{"A": "b", "C": ""},
}

func TestFrames(t *testing.T) {
	stream := appendFrame(nil, frameEntry, appendEntry(nil, &sample))
	stream = appendFrame(stream, frameDone, nil)
	in := bytes.NewReader(stream)
	kind, payload, err := readFrame(in, nil)
	if kind != frameEntry || err != nil {
		t.Fatalf("first frame: %q, %v", kind, err)
	}
	got, err := parseEntry(payload)
	if diff := cmp.Diff(sample, got); diff != "" || err != nil {
		t.Errorf("entry (-want +got):\n%s%v", diff, err)
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
	payload := appendEntry(nil, &sample)
	for n := range payload {
		if _, err := parseEntry(payload[:n]); !errors.Is(err, errFrame) {
			t.Errorf("entry cut at %d: %v", n, err)
		}
	}
	stream := appendFrame(nil, frameEntry, payload)
	for n := 1; n < len(stream); n++ {
		if _, _, err := readFrame(bytes.NewReader(stream[:n]), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("frame cut at %d: %v", n, err)
		}
	}
	if _, _, err := readFrame(bytes.NewReader([]byte{'e', 0, 0, 0, 255}), nil); !errors.Is(err, errFrame) {
		t.Errorf("frame of 4 GiB: %v", err)
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add(appendEntry(nil, &sample))
	f.Add([]byte{0x80, 0x80})
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := parseEntry(payload)
		if err != nil {
			return
		}
		if back, err := parseEntry(appendEntry(nil, &e)); err != nil || !cmp.Equal(e, back, cmpopts.EquateEmpty()) {
			t.Errorf("%+v comes back as %+v, %v", e, back, err)
		}
	})
}
