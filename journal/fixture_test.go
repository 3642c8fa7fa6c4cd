package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"sdwhy/enrich"
)

// TestMain is the child, too, when it is called as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "journal-child" {
		if err := Child(context.Background(), os.Args[2:], os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else each child takes a second to end under -race
	os.Exit(m.Run())
}

var child = []string{"/proc/self/exe", "journal-child"}

const (
	remote = "/lib/systemd/systemd-journal-remote"
	epoch  = int64(1_700_000_000_000_000) // µs: when fixtures begin
)

// A line is an entry of a fixture: its time, seconds after epoch, and its fields.
type line struct {
	at     int
	fields []string
}

// pid1 is a line of PID 1 about a unit.
func pid1(at int, unit, message string, more ...string) line {
	return line{at, append([]string{"_PID=1", "_COMM=systemd", "UNIT=" + unit, "MESSAGE=" + message, "PRIORITY=6"}, more...)}
}

// export writes lines in the journal's export format (systemd.io/JOURNAL_EXPORT_FORMATS).
func export(lines ...line) []byte {
	var b bytes.Buffer
	for _, l := range lines {
		fmt.Fprintf(&b, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n", epoch+int64(l.at)*1e6, int64(l.at+1)*1e6, boot)
		for _, f := range l.fields {
			name, value, _ := strings.Cut(f, "=")
			if strings.IndexFunc(value, unicode.IsControl) < 0 && utf8.ValidString(value) {
				b.WriteString(f + "\n")
				continue
			}
			b.WriteString(name + "\n")
			b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(value))))
			b.WriteString(value + "\n")
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}

// write makes a journal file of lines by systemd-journal-remote. It is built
// beside the journal and moved in, as a follower must not see it half done.
func write(t testing.TB, dir, name string, lines ...line) string {
	t.Helper()
	if _, err := os.Stat(remote); err != nil {
		if os.Getenv("SDWHY_CI") != "" {
			t.Fatalf("systemd-journal-remote is missing: %v", err)
		}
		t.Skipf("apt-get install systemd-journal-remote: %v", err)
	}
	made := filepath.Join(t.TempDir(), name)
	cmd := exec.Command(remote, "-o", made, "-")
	cmd.Stdin = bytes.NewReader(export(lines...))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("systemd-journal-remote: %v\n%s", err, out)
	}
	files, err := os.ReadDir(filepath.Dir(made)) // more than one where it rotated
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		moveIn(t, filepath.Join(filepath.Dir(made), f.Name()), filepath.Join(dir, f.Name()))
	}
	return filepath.Join(dir, name)
}

// moveIn puts a file in another file system's place at once.
func moveIn(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(to+".new", to); err != nil {
		t.Fatal(err)
	}
}

// A running Follower under test.
type running struct {
	*Follower
	seen chan enrich.Observation
	t    *testing.T
}

func run(t *testing.T, f *Follower) running {
	f.Exec, f.BootID = child, boot
	r := running{f, make(chan enrich.Observation, 10000), t}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.Run(ctx, func(o enrich.Observation) { r.seen <- o }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

// until collects observations up to the first that is as wanted.
func (r running) until(what string, wanted func(enrich.Observation) bool) (all []enrich.Observation) {
	r.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case o := <-r.seen:
			if all = append(all, o); wanted(o) {
				return all
			}
		case <-timeout:
			r.t.Fatalf("no %s in 20 s; seen: %+v", what, all)
		}
	}
}

func isUp(o enrich.Observation) bool {
	return o.Kind == enrich.KindWitness && o.Witness.Up && o.Witness.Lost == 0
}
func isDown(o enrich.Observation) bool {
	return o.Kind == enrich.KindWitness && !o.Witness.Up && o.Witness.Lost == 0
}
func isLost(o enrich.Observation) bool { return o.Kind == enrich.KindWitness && o.Witness.Lost != 0 }

func says(message string) func(enrich.Observation) bool {
	return func(o enrich.Observation) bool { return o.Entry.Message == message }
}

// messages are those of the entries among all.
func messages(all []enrich.Observation) (m []string) {
	for _, o := range all {
		if o.Kind == enrich.KindEntry {
			m = append(m, o.Entry.Message)
		}
	}
	return m
}
