package riemann

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

// filled is the file of an outbox with 60 events, some delivered, 40 of them waiting.
func filled(t testing.TB) []byte {
	t.Helper()
	b := openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{})
	for i := range 6 {
		b.offer(records(1+10*i, 10, 700, severities[i%3]), fmt.Sprint("cursor", i))
		if err := b.commit(); err != nil {
			t.Fatal(err)
		}
	}
	b.done(20)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// damaged opens an outbox on that content, which must work whatever it is.
func damaged(t *testing.T, what string, file []byte) (events []int64, aside bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "outbox")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	b, err := OpenOutbox(path, OutboxOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer b.Close()
	b.offer(records(1000, 1, 700, enrich.Critical), "new")
	for range 3 { // a fault that a write meets is mended by the next one
		if err = b.commit(); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("%s: write: %v", what, err)
	}
	events = times(b.next(everything()))
	if n := len(events); n == 0 || events[n-1] != 1000 {
		t.Fatalf("%s: the new event is missing among %v", what, events)
	}
	left, _ := filepath.Glob(path + ".corrupt-*")
	if len(left) > 0 {
		kept, err := os.ReadFile(left[0])
		if err != nil || len(kept) != len(file) || !strings.Contains(log.String(), left[0]) {
			t.Fatalf("%s: %s has %d of %d bytes, log %s (%v)", what, left[0], len(kept), len(file), &log, err)
		}
	}
	return events[:len(events)-1], len(left) > 0
}

func TestOutboxCut(t *testing.T) {
	file := filled(t)
	const step = 512
	asides, taken := 0, 0
	for at := 1; at < len(file); at += step {
		events, aside := damaged(t, fmt.Sprintf("cut at %d of %d", at, len(file)), file[:at])
		if aside {
			asides++
		}
		taken += len(events)
		for _, e := range events {
			if e <= 20 || e > 60 {
				t.Fatalf("cut at %d: event %d was not waiting", at, e)
			}
		}
	}
	t.Logf("%d cuts, %d set aside, %d events taken over", len(file)/step+1, asides, taken)
	if events, aside := damaged(t, "whole", file); len(events) != 40 || aside {
		t.Errorf("the whole file gives %d events, set aside %v", len(events), aside)
	}
}

func TestOutboxFlipped(t *testing.T) {
	file := filled(t)
	r := rand.New(rand.NewPCG(1, 2))
	asides, whole, lost := 0, 0, 0
	const flips = 400
	for range flips {
		at := r.IntN(len(file))
		bad := bytes.Clone(file)
		bad[at] ^= 1 << r.IntN(8)
		events, aside := damaged(t, fmt.Sprintf("bit of byte %d flipped", at), bad)
		switch {
		case aside:
			asides++
			lost += 40 - min(40, len(events))
		case len(events) == 40:
			whole++
		}
		for _, e := range events {
			if e <= 0 || e > 60 {
				t.Fatalf("byte %d flipped: event %d was never stored", at, e)
			}
		}
	}
	t.Logf("%d flips: %d harmless, %d set aside, where %d of %d events could not be read", flips, whole, asides, lost, 40*asides)
}

// TestOutboxDamagedWhileOpen truncates the file under a running outbox.
func TestOutboxDamagedWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox")
	b := openTest(t, path, OutboxOptions{})
	b.offer(records(1, 50, 700, enrich.Warning), "")
	if err := b.commit(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 8192); err != nil {
		t.Fatal(err)
	}
	if got := b.next(everything()); len(got) != 0 {
		t.Fatalf("%d events read from nothing", len(got))
	}
	b.offer(records(100, 3, 700, enrich.Warning), "")
	if diff := cmp.Diff(sequence(100, 3), times(b.next(everything()))); diff != "" {
		t.Errorf("from memory meanwhile (-want +got):\n%s", diff)
	}
	if err := b.commit(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sequence(100, 3), times(b.next(everything()))); diff != "" {
		t.Errorf("from the new file (-want +got):\n%s", diff)
	}
	if b.SetAside() == "" || !b.durable() {
		t.Errorf("set aside %q, durable %v", b.SetAside(), b.durable())
	}
}
