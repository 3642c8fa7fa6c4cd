package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

type failingFile struct{ room int }

func (f *failingFile) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(b), nil
}

func (*failingFile) Close() error { return nil }

func TestRecorderSaysOnceThatItFailed(t *testing.T) {
	var said bytes.Buffer
	file := &failingFile{room: 1000}
	r := &recorder{file: file, w: bufio.NewWriterSize(file, 64), log: slog.New(slog.NewTextHandler(&said, nil))}
	o := enrich.Observation{Kind: enrich.KindTick, Time: 1, Mono: 2}
	for range 100 {
		if diff := cmp.Diff(o, r.write(o)); diff != "" {
			t.Fatalf("write changes the observation (-want +got):\n%s", diff)
		}
	}
	r.close()
	if n := strings.Count(said.String(), "recording is incomplete"); n != 1 {
		t.Errorf("said %d times:\n%s", n, said.String())
	}
}

// TestRecorderGivesWhatAReplaySees: the live correlator must decide on the text that a replay has.
func TestRecorderGivesWhatAReplaySees(t *testing.T) {
	var out bytes.Buffer
	r := &recorder{w: bufio.NewWriter(&out)}
	live := r.write(enrich.Observation{Kind: enrich.KindEntry, Entry: enrich.Entry{Message: "bad \xff byte, good \ufffd sign"}})
	r.flush()
	err := readRecording(&out, func(o enrich.Observation) error {
		if diff := cmp.Diff(o, live); diff != "" {
			t.Errorf("live and replayed differ (-replayed +live):\n%s", diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadRecording(t *testing.T) {
	tests := []struct {
		name, in string
		want     int
		cut, bad bool
	}{
		{name: "empty"},
		{name: "two lines", in: "{\"kind\":\"tick\"}\n{\"kind\":\"tick\"}\n", want: 2},
		{name: "no last newline", in: "{\"kind\":\"tick\"}\n{\"kind\":\"tick\"}", want: 2},
		{name: "cut", in: "{\"kind\":\"tick\"}\n{\"kin", want: 1, cut: true},
		{name: "bad in the middle", in: "{\"kind\":\"tick\"}\n{\"kin\n{\"kind\":\"tick\"}\n", want: 1, bad: true},
		{name: "empty lines", in: "\n{\"kind\":\"tick\"}\n\n", want: 1},
		{name: "wrong type", in: "{\"kind\":7}\n", bad: true},
		{name: "too long", in: `{"kind":"` + strings.Repeat("x", maxLine) + "\"}\n", bad: true},
		{name: "long", in: `{"kind":"` + strings.Repeat("x", 1<<20) + "\"}\n", want: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			err := readRecording(strings.NewReader(tt.in), func(enrich.Observation) error { n++; return nil })
			if n != tt.want || errors.Is(err, errTruncated) != tt.cut || (err != nil) != (tt.cut || tt.bad) {
				t.Errorf("%d observations, %v; want %d, cut %v, bad %v", n, err, tt.want, tt.cut, tt.bad)
			}
		})
	}
}

// TestReplayOfEveryPrefix cuts a real recording at each of many places: never a
// panic, and the events of a prefix are a prefix of the events.
func TestReplayOfEveryPrefix(t *testing.T) {
	whole, err := os.ReadFile("testdata/crash.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	all := replayed(t, whole)
	if len(all) < 5 {
		t.Fatalf("only %d events", len(all))
	}
	for n := bytes.IndexByte(whole, '\n') + 1; n < len(whole); n += 97 {
		some := replayed(t, whole[:n])
		if len(some) > len(all) || len(some) > 0 && !cmp.Equal(all[:len(some)], some) {
			t.Fatalf("cut at %d the events differ", n)
		}
	}
}

func replayed(t *testing.T, recording []byte) (events []enrich.Event) {
	t.Helper()
	err := replay(bytes.NewReader(recording), slog.New(slog.DiscardHandler), func(e enrich.Event) error {
		events = append(events, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func FuzzReplay(f *testing.F) {
	whole, err := os.ReadFile("testdata/crash.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("{\"kind\":\"start\"}\n{\"kind\":\"job-removed\",\"job\":{\"id\":1,\"result\":\"x\"},\"m\":-1}\n{\"kind\":\"tick\",\"m\":9223372036854775807}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = replay(bytes.NewReader(data), slog.New(slog.DiscardHandler), func(e enrich.Event) error {
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("an event that is no JSON: %v", err)
			}
			style := textStyle{}
			_, err := io.WriteString(io.Discard, style.line(e))
			return err
		})
	})
}
