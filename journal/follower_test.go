package journal

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

func numbered(from, to int) (lines []line, texts []string) {
	for i := from; i < to; i++ {
		text := fmt.Sprintf("line %d", i)
		lines, texts = append(lines, pid1(i, "x.service", text)), append(texts, text)
	}
	return lines, texts
}

func TestFollowTail(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.journal", pid1(0, "x.service", "old"))
	f := run(t, &Follower{Directory: dir})
	f.until("up", isUp)
	write(t, dir, "b.journal",
		pid1(1, "x.service", "new"),
		line{2, []string{"_PID=9", "UNIT=x.service", "MESSAGE=forged"}},
		pid1(3, "x.service", "newer"))
	f.Kick()
	all := f.until("newer", says("newer"))
	if diff := cmp.Diff([]string{"new", "newer"}, messages(all)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// TestFollowTailOfNothing begins where nothing matches: a bare SeekTail never goes on from systemd 254 on.
func TestFollowTailOfNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.journal", line{0, []string{"_PID=9", "MESSAGE=other"}})
	f := run(t, &Follower{Directory: dir})
	f.until("up", isUp)
	soon := pid1(0, "x.service", "new")
	soon.at = int((f.until2026() - epoch) / 1e6)
	write(t, dir, "b.journal", soon)
	f.until("new", says("new"))
}

// until2026 is a time after now: entries older than the start are not followed.
func (r running) until2026() int64 { return epoch + 500_000_000*1_000_000 }

func TestFollowSince(t *testing.T) {
	dir := t.TempDir()
	lines, texts := numbered(0, 50)
	write(t, dir, "a.journal", lines...)
	f := run(t, &Follower{Directory: dir, Since: epoch + 20*1e6})
	all := f.until("up", isUp)
	if diff := cmp.Diff(texts[20:], messages(all)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestFollowCursor(t *testing.T) {
	dir := t.TempDir()
	lines, texts := numbered(0, 50)
	write(t, dir, "a.journal", lines[:30]...)
	write(t, dir, "b.journal", lines[30:]...)
	all := run(t, &Follower{Directory: dir, Since: 1}).until("up", isUp)
	var cursor string
	for _, o := range all {
		if o.Entry.Message == "line 29" {
			cursor = o.Entry.Cursor
		}
	}
	f := run(t, &Follower{Directory: dir, Cursor: cursor})
	all = f.until("up", isUp)
	if diff := cmp.Diff(texts[30:], messages(all)); diff != "" {
		t.Errorf("after the cursor (-want +got):\n%s", diff)
	}
	if up := all[len(all)-1].Witness; up.Since != 30*1e6 {
		t.Errorf("complete since %d, want the cursor's time", up.Since)
	}
	if err := os.Remove(dir + "/a.journal"); err != nil {
		t.Fatal(err)
	}
	f = run(t, &Follower{Directory: dir, Cursor: cursor})
	all = f.until("up", isUp)
	if diff := cmp.Diff(texts[30:], messages(all)); diff != "" {
		t.Errorf("after a vanished cursor (-want +got):\n%s", diff)
	}
	if !isLost(all[0]) {
		t.Errorf("a vanished cursor is no gap: %+v", all[0])
	}
}

func TestFollowBadCursor(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.journal", pid1(0, "x.service", "old"))
	all := run(t, &Follower{Directory: dir, Cursor: "nonsense"}).until("up", isUp)
	if !isLost(all[0]) || len(messages(all)) != 0 {
		t.Errorf("want a gap, then the tail: %+v", all)
	}
}

// pidOf finds the running child by its command line, waiting for one to be there.
func pidOf(t *testing.T, dir string) int {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if pid := findChild(dir); pid != 0 {
			return pid
		}
	}
	t.Fatal("no child found")
	return 0
}

func findChild(dir string) int {
	procs, _ := os.ReadDir("/proc")
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		line, _ := os.ReadFile("/proc/" + p.Name() + "/cmdline")
		if strings.Contains(string(line), "journal-child") && strings.Contains(string(line), dir) {
			return pid
		}
	}
	return 0
}

// TestChildKilled kills the child again and again while it reads: every entry
// comes, once, in order.
func TestChildKilled(t *testing.T) {
	dir := t.TempDir()
	lines, texts := numbered(0, 5000)
	write(t, dir, "a.journal", lines...)
	f := run(t, &Follower{Directory: dir, Since: 1})
	var all []enrich.Observation
	for kills := 1; kills <= 4; kills++ {
		all = append(all, f.until("progress", says(fmt.Sprintf("line %d", kills*1000)))...)
		if err := syscall.Kill(pidOf(t, dir), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	all = append(all, f.until("the last line", says("line 4999"))...)
	if diff := cmp.Diff(texts, messages(all)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	f.until("up", isUp)
	if err := syscall.Kill(pidOf(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f.until("down", isDown)
	if again := messages(f.until("up", isUp)); len(again) != 0 {
		t.Errorf("doubled: %q", again)
	}
	if s := f.Stats(); s.Restarts < 3 || s.Lost != 0 || s.Entries != 5000 {
		t.Errorf("stats %+v", s)
	}
}

// TestChildSigbus cuts a file under the reader, as journald 252 does: the child dies
// of it or skips the file, the follower goes on with what is left.
func TestChildSigbus(t *testing.T) {
	dir := t.TempDir()
	lines, _ := numbered(0, 20000)
	path := write(t, dir, "a.journal", lines[:19000]...)
	write(t, dir, "b.journal", lines[19000:]...)
	f := run(t, &Follower{Directory: dir, Since: 1})
	all := f.until("progress", says("line 100"))
	if err := os.Truncate(path, 1<<16); err != nil {
		t.Fatal(err)
	}
	all = append(all, f.until("the last line", says("line 19999"))...)
	all = append(all, f.until("up", isUp)...)
	lost, last := false, -1
	for _, o := range all {
		lost = lost || isLost(o)
		if o.Kind == enrich.KindEntry {
			n, err := strconv.Atoi(strings.TrimPrefix(o.Entry.Message, "line "))
			if err != nil || n <= last {
				t.Fatalf("%q after line %d", o.Entry.Message, last)
			}
			last = n
		}
	}
	if !lost {
		t.Error("what was cut off is not reported")
	}
	t.Logf("%+v", f.Stats())
}

func TestRotation(t *testing.T) {
	dir := t.TempDir()
	lines, texts := numbered(0, 100)
	write(t, dir, "0.journal", lines[0])
	f := run(t, &Follower{Directory: dir, Since: 1})
	all := f.until("up", isUp)
	for i := 1; i < 100; i++ {
		write(t, dir, fmt.Sprintf("%03d.journal", i), lines[i])
		if i > 10 { // vacuum what has been read
			os.Remove(fmt.Sprintf("%s/%03d.journal", dir, i-10))
		}
		f.Kick()
		all = append(all, f.until("the next line", says(texts[i]))...)
	}
	if diff := cmp.Diff(texts, messages(all)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if s := f.Stats(); s.Restarts != 0 || s.Lost != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestDropped(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.journal", line{0, []string{"_TRANSPORT=driver", "MESSAGE_ID=" + enrich.MsgJournalDropped,
		"MESSAGE=Suppressed 34 messages from init.scope", "N_DROPPED=34"}})
	f := run(t, &Follower{Directory: dir, Since: 1})
	all := f.until("loss", isLost)
	if w := all[len(all)-1].Witness; w.Lost != 34 || w.Name != enrich.WitnessJournal {
		t.Errorf("witness %+v", w)
	}
}

func TestTail(t *testing.T) {
	dir := t.TempDir()
	own := func(at int, message string) line {
		return line{at, []string{"_PID=9", "_SYSTEMD_UNIT=x.service", "_SYSTEMD_INVOCATION_ID=" + inv, "MESSAGE=" + message}}
	}
	write(t, dir, "a.journal", own(0, "one"), own(1, "two"), own(2, "password=geheim"), pid1(3, "x.service", "Stopped."))
	f := run(t, &Follower{Directory: dir})
	f.Tail("x.service", inv, 2)
	f.Tail("x.service", strings.Repeat("0", 32), 2)
	isLog := func(o enrich.Observation) bool { return o.Kind == enrich.KindLog }
	for _, want := range []enrich.Log{{Invocation: inv, Lines: []string{"two", "password=***"}}, {Invocation: strings.Repeat("0", 32)}} {
		all := f.until("log", isLog)
		if diff := cmp.Diff(want, all[len(all)-1].Log); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	}
}

func TestTrouble(t *testing.T) {
	f := run(t, &Follower{Directory: "/nonexistent"})
	all := f.until("down", isDown)
	if why := all[0].Witness.Why; !strings.Contains(why, "/nonexistent") {
		t.Errorf("why %q does not name the directory", why)
	}
	if err := (&Follower{Manager: "me"}).Run(context.Background(), func(enrich.Observation) {}); err == nil {
		t.Error("a bad manager is no error")
	}
}
