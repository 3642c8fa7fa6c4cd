package riemann

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"sdwhy/enrich"
)

// records are n records of a severity, numbered from first on, with a body of that size.
func records(first, n, size int, severity enrich.Severity) []record {
	out := make([]record, n)
	for i := range out {
		out[i] = record{level: levelOf(severity), id: idOf(strconv.Itoa(first + i)), time: int64(first + i), body: make([]byte, size)}
	}
	return out
}

// times tells records apart.
func times(batch []record) []int64 {
	out := make([]int64, len(batch))
	for i, r := range batch {
		out[i] = r.time
	}
	return out
}

func sequence(first, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(first + i)
	}
	return out
}

func everything() *limit { return &limit{n: 1 << 30, bytes: 1 << 40} }

func openTest(t testing.TB, path string, o OutboxOptions) *Outbox {
	t.Helper()
	b, err := OpenOutbox(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func reopenTest(t testing.TB, b *Outbox) *Outbox {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return openTest(t, b.path, b.o)
}

func TestOutboxKeepsUntilDone(t *testing.T) {
	b := openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{})
	b.offer(records(1, 5, 100, enrich.OK), "c5")
	if got := b.next(everything()); len(got) != 0 {
		t.Errorf("%d events offered for delivery before they were stored", len(got))
	}
	b.offer(records(6, 5, 100, enrich.Critical), "c10")
	b = reopenTest(t, b)
	if got := b.Cursor(); got != "c10" {
		t.Errorf("cursor %q", got)
	}
	batch := b.next(&limit{n: 7, bytes: 1 << 20})
	if diff := cmp.Diff(sequence(1, 7), times(batch)); diff != "" {
		t.Errorf("first batch (-want +got):\n%s", diff)
	}
	b.done(batch[6].seq)
	b = reopenTest(t, b)
	if diff := cmp.Diff(sequence(8, 3), times(b.next(everything()))); diff != "" {
		t.Errorf("rest (-want +got):\n%s", diff)
	}
	b.offer(records(1, 10, 100, enrich.OK), "c10") // rebuilt from the journal
	if b.counts.suppressed != 10 {
		t.Errorf("%d suppressed, want 10", b.counts.suppressed)
	}
}

func TestOutboxRememberedIDsAreBounded(t *testing.T) {
	b := openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{})
	const n = recentIDs + 500
	for i := 0; i < n; i += 500 {
		b.offer(records(i, min(500, n-i), 10, enrich.OK), "")
		if err := b.commit(); err != nil {
			t.Fatal(err)
		}
		b.done(b.seq)
	}
	b = reopenTest(t, b)
	if len(b.ids.known) != recentIDs {
		t.Errorf("%d ids known, want %d", len(b.ids.known), recentIDs)
	}
	b.offer(records(0, n, 10, enrich.OK), "")
	if got, want := b.counts.suppressed, uint64(recentIDs); got != want {
		t.Errorf("%d suppressed, want %d", got, want)
	}
}

// TestOutboxFull fills an outbox that holds a few events with each mix of severities.
func TestOutboxFull(t *testing.T) {
	type row struct {
		severity enrich.Severity
		n        int
	}
	for _, tt := range []struct {
		name    string
		offered []row
		dropped [levels]uint64 // at least these kinds, and no other
	}{
		{"ok goes first", []row{{enrich.Critical, 40}, {enrich.OK, 200}, {enrich.Warning, 40}}, [levels]uint64{1, 0, 0}},
		{"a newcomer may be the one", []row{{enrich.Critical, 100}, {enrich.OK, 40}}, [levels]uint64{1, 0, 0}},
		{"then warnings", []row{{enrich.OK, 20}, {enrich.Warning, 200}, {enrich.Critical, 50}}, [levels]uint64{1, 1, 0}},
		{"critical last", []row{{enrich.OK, 20}, {enrich.Warning, 20}, {enrich.Critical, 300}}, [levels]uint64{1, 1, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{MaxSize: 512 << 10})
			id := 0
			for _, r := range tt.offered {
				for range r.n {
					b.offer(records(id, 1, 2000, r.severity), "")
					id++
					if id%3 == 0 {
						if err := b.commit(); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			if err := b.commit(); err != nil {
				t.Fatal(err)
			}
			kept := b.next(everything())
			sum := uint64(len(kept))
			for l, n := range b.counts.dropped {
				sum += n
				if (n > 0) != (tt.dropped[l] > 0) {
					t.Errorf("%d %s events dropped", n, severities[l])
				}
			}
			if sum != uint64(id) {
				t.Errorf("%d kept and dropped, %d offered", sum, id)
			}
			if info, err := os.Stat(b.path); err != nil || info.Size() > b.o.MaxSize {
				t.Errorf("file has %d bytes, may have %d (%v)", info.Size(), b.o.MaxSize, err)
			}
		})
	}
}

func TestOutboxDropsTheOldestFirst(t *testing.T) {
	b := openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{MaxSize: 512 << 10})
	for i := range 300 {
		b.offer(records(i, 1, 2000, enrich.OK), "")
		if err := b.commit(); err != nil {
			t.Fatal(err)
		}
	}
	kept := times(b.next(everything()))
	if diff := cmp.Diff(sequence(300-len(kept), len(kept)), kept); diff != "" {
		t.Errorf("the youngest stay (-want +got):\n%s", diff)
	}
}

func TestOutboxExpires(t *testing.T) {
	b := openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{MaxAge: time.Hour})
	b.offer(records(1, 3, 10, enrich.Critical), "")
	if err := b.commit(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		open time.Duration
		kept int
	}{{59 * time.Minute, 3}, {61 * time.Minute, 0}} {
		b.opened = time.Now().Add(-tt.open)
		b.mu.Lock()
		b.fault = errors.New("force a commit")
		b.mu.Unlock()
		b.o.MaxAge = -2 * time.Hour // so all that is stored is too old
		if err := b.commit(); err != nil {
			t.Fatal(err)
		}
		if got := len(b.next(everything())); got != tt.kept {
			t.Errorf("open for %v: %d kept, want %d", tt.open, got, tt.kept)
		}
	}
	if b.counts.dropped[levelCritical] != 3 {
		t.Errorf("%d counted as dropped", b.counts.dropped[levelCritical])
	}
}

func TestOutboxSecondInstance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox")
	openTest(t, path, OutboxOptions{})
	_, err := OpenOutbox(path, OutboxOptions{})
	if err == nil || !strings.Contains(err.Error(), "another process uses it") {
		t.Errorf("second instance: %v", err)
	}
	if left, _ := filepath.Glob(path + ".corrupt-*"); len(left) != 0 {
		t.Errorf("set aside though in use: %v", left)
	}
}

func TestOutboxEnvironmentErrors(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "missing", "outbox"), dir} {
		if _, err := OpenOutbox(path, OutboxOptions{}); err == nil || errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestOutboxNewerVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox")
	b := openTest(t, path, OutboxOptions{})
	err := b.store.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyVersion, []byte("2")) })
	if err != nil {
		t.Fatal(err)
	}
	b = reopenTest(t, b)
	if !strings.HasPrefix(b.SetAside(), path+".corrupt-") || b.Cursor() != "" {
		t.Errorf("set aside %q, cursor %q", b.SetAside(), b.Cursor())
	}
}

// tinyDisk is a file system of 1 MiB, and a func that fills it; removing the file it names makes room.
func tinyDisk(t *testing.T) (dir string, fill func() string) {
	dir = t.TempDir()
	need(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"), "mount a small tmpfs")
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir, func() string {
		ballast := filepath.Join(dir, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("ballast: %v", err)
		}
		return ballast
	}
}

// TestOutboxOpensOnAFullDisk starts with no room, without and with a file that is there already.
func TestOutboxOpensOnAFullDisk(t *testing.T) {
	dir, fill := tinyDisk(t)
	ballast := fill()
	path := filepath.Join(dir, "outbox")
	b := openTest(t, path, OutboxOptions{})
	if b.durable() {
		t.Error("durable on a full disk")
	}
	b.offer(records(1, 3, 1000, enrich.OK), "c3")
	if diff := cmp.Diff(sequence(1, 3), times(b.next(everything()))); diff != "" {
		t.Errorf("from memory (-want +got):\n%s", diff)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := b.commit(); err != nil || !b.durable() || b.Cursor() != "c3" {
		t.Fatalf("with room: %v, durable %v, cursor %q", err, b.durable(), b.Cursor())
	}
	fill()
	b = reopenTest(t, b)
	if diff := cmp.Diff(sequence(1, 3), times(b.next(everything()))); diff != "" || b.Cursor() != "c3" || b.SetAside() != "" {
		t.Errorf("cursor %q, set aside %q, from a full disk (-want +got):\n%s", b.Cursor(), b.SetAside(), diff)
	}
}

// TestOutboxDiskFull fills the file system under an outbox.
func TestOutboxDiskFull(t *testing.T) {
	dir, fill := tinyDisk(t)
	b := openTest(t, filepath.Join(dir, "outbox"), OutboxOptions{})
	b.offer(records(1, 10, 1000, enrich.OK), "c10")
	if err := b.commit(); err != nil {
		t.Fatal(err)
	}
	ballast := fill()
	b.offer(records(11, 190, 4000, enrich.Critical), "c200")
	if err := b.commit(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("commit on a full disk: %v", err)
	}
	if b.Cursor() != "c10" || b.durable() {
		t.Errorf("cursor %q, durable %v", b.Cursor(), b.durable())
	}
	batch := b.next(&limit{n: 100, bytes: 1 << 30})
	if diff := cmp.Diff(sequence(1, 100), times(batch)); diff != "" {
		t.Errorf("disk, then memory (-want +got):\n%s", diff)
	}
	b.done(batch[99].seq)
	if err := b.commit(); err == nil {
		t.Log("the rest fits by now")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := b.commit(); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	b = reopenTest(t, b)
	if diff := cmp.Diff(sequence(101, 100), times(b.next(everything()))); diff != "" || b.Cursor() != "c200" {
		t.Errorf("cursor %q, kept (-want +got):\n%s", b.Cursor(), diff)
	}
	b.offer(records(1, 200, 10, enrich.OK), "")
	if b.counts.suppressed != 200 {
		t.Errorf("%d suppressed, want 200", b.counts.suppressed)
	}
}

func TestOutboxMemoryOverflowHoldsTheCursor(t *testing.T) {
	b := openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{})
	b.offer(records(1, 1, 10, enrich.OK), "c1")
	if err := b.commit(); err != nil {
		t.Fatal(err)
	}
	b.offer(records(2, memoryEvents, 10, enrich.Critical), "c2")
	b.offer(records(100000, 10, 10, enrich.OK), "c3")
	if err := b.commit(); err != nil {
		t.Fatal(err)
	}
	if b.counts.dropped != [levels]uint64{10, 0, 0} || b.Cursor() != "c1" {
		t.Errorf("dropped %v, cursor %q: what was dropped must be found again in the journal", b.counts.dropped, b.Cursor())
	}
}

func TestOutboxDeadLetters(t *testing.T) {
	b := openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{})
	for i := range deadLetters + 5 {
		b.offer(records(i, 1, 0, enrich.OK), "")
		if err := b.commit(); err != nil {
			t.Fatal(err)
		}
		batch := b.next(everything())
		b.dead(batch[0], fmt.Sprint("refused ", i))
	}
	b = reopenTest(t, b)
	dead, err := b.DeadLetters(2000)
	if err != nil || len(dead) != deadLetters {
		t.Fatalf("%d dead letters (%v)", len(dead), err)
	}
	if got := dead[0].Attributes[0].GetValue(); got != "refused 5" {
		t.Errorf("the oldest that is left was %q", got)
	}
	if len(b.next(everything())) != 0 {
		t.Error("dead letters are delivered")
	}
}
