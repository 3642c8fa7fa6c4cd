package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/sdjournal"
	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

// hostile are entries as anyone may log them.
func hostile() []line {
	many := []string{"_PID=1", "MESSAGE=many"}
	for i := range 1000 {
		many = append(many, fmt.Sprintf("FIELD_%d=%d", i, i))
	}
	long := func(n int) string { return strings.Repeat("0123456789", n/10+1)[:n] }
	repeated := []string{"MESSAGE=repeated"}
	for i := range 300 {
		repeated = append(repeated, fmt.Sprintf("UNIT=%d%s", i, long(600)), fmt.Sprintf("JOB_ID=%d", i))
	}
	return []line{
		{0, []string{"_PID=1", "MESSAGE=" + long(100_000), "EXECUTABLE=" + long(100_000), "OTHER=" + long(100_000)}},
		{1, []string{"_PID=1", "MESSAGE=a\nb\x00c\x01", "UNIT=\x00", "JOB_TYPE=\n"}},
		{2, []string{"_PID=1", "MESSAGE=\xff\xfe\xc3", "UNIT=" + strings.Repeat("é", 256) + "x"}},
		{3, []string{"_PID=1", "MESSAGE=", "UNIT=", "JOB_ID=", "MESSAGE_ID="}},
		{4, many},
		{5, repeated},
		{6, []string{"MESSAGE=names", "U=1", "UNITX=1", "UNI=1", "A" + long(62) + "=1", "_SYSTEMD_INVOCATION_IDENTITY_OF_32=1", "A" + long(30) + "=31", "A" + long(31) + "=32"}},
		{7, []string{"MESSAGE=limits", "UNIT=" + long(maxString-1), "JOB_TYPE=" + long(maxString), "COMMAND=" + long(maxString+1), "EXIT_CODE=" + long(maxString+2)}},
		{8, []string{"MESSAGE=" + long(maxMessage+5), "SDWHY_EVENT=" + long(maxVerdict+5)}},
		{9, []string{"MESSAGE=a=b=c", "UNIT==", "COMMAND=SDWHY_EVENT=x"}},
	}
}

// TestPass holds the pass against sdjournal's GetEntry, entry for entry.
func TestPass(t *testing.T) {
	dir := t.TempDir()
	lines := append(hostile(), storm(10, 50)...)
	write(t, dir, "a.journal", lines...)
	r := opened(t, dir)
	for n := range lines {
		got, err := r.record(onwards)
		if err != nil {
			t.Fatalf("entry %d: %v", n, err)
		}
		entry, err := r.GetEntry()
		if err != nil {
			t.Fatal(err)
		}
		want := record{realtime: int64(entry.RealtimeTimestamp), monotonic: int64(entry.MonotonicTimestamp)}
		for f, name := range fieldNames {
			v := entry.Fields[name]
			want.fields[f] = v[:min(len(v), field(f).most())]
		}
		want.fields[fCursor] = entry.Cursor
		if diff := cmp.Diff(want, *got, cmp.AllowUnexported(record{})); diff != "" {
			t.Errorf("entry %d (-GetEntry +pass):\n%s", n, diff)
		}
	}
	if _, err := r.record(onwards); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if got, err := r.record(back); err != nil || got.fields[fMessageID] != enrich.MsgStarting {
		t.Errorf("the last but one: %q, %v", got.fields[fMessage], err)
	}
	if got, err := r.record(here); err != nil || got.fields[fMessageID] != enrich.MsgStarting {
		t.Errorf("the same: %q, %v", got.fields[fMessage], err)
	}
}

func opened(t testing.TB, dir string) *reader {
	t.Helper()
	r, err := open(where{Directory: dir}, manager{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if err := r.SeekHead(); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPassUnread reads where no entry is stood on.
func TestPassUnread(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.journal", pid1(0, "x.service", "x"))
	r := opened(t, dir)
	if _, err := r.record(here); !errors.Is(err, errUnreadable) || r.skipped != 1 {
		t.Errorf("before the first entry: %v, %d skipped", err, r.skipped)
	}
}

// TestPassDamagedField makes one field's object unreadable: the rest of the entry is read.
func TestPassDamagedField(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "a.journal", pid1(0, "x.service", "whole", "COMMAND=damaged"), pid1(1, "x.service", "next"))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("COMMAND=damaged"))
	for _, head := range []int{64, 72} { // a data object's, regular and compact (systemd's journal-def.h)
		if at > head && data[at-head] == 1 {
			data[at-head] = 99
		}
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	r := opened(t, dir)
	got, err := r.record(onwards)
	if err != nil || got.fields[fMessage] != "whole" || got.fields[fUnit] != "x.service" || got.fields[fCommand] != "" {
		t.Errorf("the damaged entry: %q, %v", got.fields, err)
	}
	if got, err := r.record(onwards); err != nil || got.fields[fMessage] != "next" {
		t.Errorf("the next entry: %q, %v", got.fields, err)
	}
}

// TestPassDamagedFile reads files with bytes changed here and there: it ends, and what
// is read is bounded.
func TestPassDamagedFile(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "a.journal", append(hostile()[5:], storm(10, 20)...)...)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used := bytes.LastIndexFunc(whole, func(c rune) bool { return c != 0 })
	random := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		data := bytes.Clone(whole)
		for range 40 {
			data[headerSize+random.IntN(used-headerSize)] = byte(random.Uint32())
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		n := 0
		err := Read(context.Background(), Query{Directory: dir}, func(e enrich.Entry) bool {
			n++
			return n < 1000
		})
		if n == 1000 {
			t.Fatalf("more entries than were written: %v", err)
		}
	}
}

// TestHandle fails when go-systemd no longer holds its sd_journal where the pass looks for it.
func TestHandle(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.journal", pid1(0, "x.service", "x"))
	j, err := sdjournal.NewJournalFromDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if h, err := handle(j); h == nil || err != nil {
		t.Errorf("handle: %v, %v", h, err)
	}
	if h, err := handle(&sdjournal.Journal{}); err == nil {
		t.Errorf("handle of nothing: %v", h)
	}
}

// TestFieldNames: each has a name of its own.
func TestFieldNames(t *testing.T) {
	seen := map[string]bool{"": true}
	for f, name := range fieldNames {
		if seen[name] {
			t.Errorf("field %d: name %q", f, name)
		}
		seen[name] = true
	}
}
