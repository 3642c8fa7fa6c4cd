package watcher

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSpans(t *testing.T) {
	all := []span{{0, math.MaxInt32}}
	for _, tt := range []struct {
		name         string
		last, newest int
		want         []span
	}{
		{"the first scan", 0, 5000, all},
		{"a kernel that does not tell", 0, 0, all},
		{"or no longer tells", 5000, 0, all},
		{"nothing new but what was being made", 5000, 5000, []span{{4936, 5000}}},
		{"some new", 5000, 5100, []span{{4936, 5100}}},
		{"the count began anew", 32000, 310, []span{{31936, math.MaxInt32}, {0, 310}}},
		{"and lately", 310, 320, []span{{246, 320}}},
		{"the lowest pids", 10, 20, []span{{0, 20}}},
	} {
		if diff := cmp.Diff(tt.want, spans(tt.last, tt.newest), cmp.AllowUnexported(span{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// scanned gives whom a scan at a time reads, of a fake /proc with a newest pid.
func scanned(t *testing.T, table *table, newest int, at time.Time) (pids []int) {
	t.Helper()
	dir := filepath.Join(table.dir, "sys", "kernel")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ns_last_pid"), []byte(strconv.Itoa(newest)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	table.list()
	for _, p := range table.pids {
		pids = append(pids, p.pid)
		table.fickle.saw(p, slices.Clone(table.read(p.pid, "comm")), at)
	}
	slices.Sort(pids)
	return pids
}

// Who is read, over scans some seconds apart: daemons only until they are settled, or in turn.
func TestList(t *testing.T) {
	procs := []fakeProcess{{pid: 50, comm: "bash"}}
	for n := range 2 * inTurn {
		procs = append(procs, fakeProcess{pid: 1000 + n, comm: "nginx"})
	}
	table := newTable(fakeProc(t, procs...), false)
	defer table.close()
	start := time.Now()
	write := func(pid int, comm string) {
		dir := filepath.Join(table.dir, strconv.Itoa(pid))
		_ = os.MkdirAll(dir, 0o755)
		if err := os.WriteFile(filepath.Join(dir, "comm"), []byte(comm+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all := scanned(t, table, 3000, start)
	if len(all) != len(procs) {
		t.Fatalf("the first scan read %d of %d", len(all), len(procs))
	}
	if got := scanned(t, table, 3000, start.Add(settled-1)); len(got) != len(procs) {
		t.Errorf("%d read before they are settled, want all", len(got))
	}
	if got := scanned(t, table, 3000, start.Add(settled)); len(got) != len(procs) {
		t.Errorf("%d read a second time, want all", len(got))
	}
	table.turn = math.MaxInt32 // nobody in turn
	if got := scanned(t, table, 3000, start.Add(settled+1)); !slices.Equal(got, []int{50}) {
		t.Errorf("once all are settled, %v are read, want the shell", got)
	}
	write(4000, "nginx")
	table.turn = math.MaxInt32
	if got := scanned(t, table, 4001, start.Add(settled+2)); !slices.Equal(got, []int{50, 4000}) {
		t.Errorf("with a new one, %v are read, want it and the shell", got)
	}
	write(3990, "bash") // it was being made when 4001 was the newest
	table.turn = math.MaxInt32
	if got := scanned(t, table, 4001, start.Add(settled+3)); !slices.Equal(got, []int{50, 3990, 4000}) {
		t.Errorf("with one that was late, %v are read", got)
	}
	write(310, "cron")
	table.turn = math.MaxInt32
	if got := scanned(t, table, 320, start.Add(settled+4)); !slices.Equal(got, []int{50, 310, 3990, 4000}) {
		t.Errorf("when the count began anew, %v are read", got)
	}
	write(1001, "bash") // a daemon turned into a shell: found in turn, in as many scans as it takes
	for range 1 + len(procs)/inTurn + 1 {
		scanned(t, table, 320, start.Add(settled+5))
	}
	if _, ok := table.fickle[1001]; !ok {
		t.Error("a daemon that became a shell is not found")
	}
	if err := os.RemoveAll(filepath.Join(table.dir, "3990")); err != nil {
		t.Fatal(err)
	}
	scanned(t, table, 320, start.Add(settled+6))
	if _, ok := table.fickle[3990]; ok {
		t.Error("a process that is gone is still looked at")
	}
}

// A process is another one when its inode is, even if its pid is the same.
func TestFickle(t *testing.T) {
	f := fickle{}
	old, other := pid{10, 1}, pid{10, 2}
	start := time.Now()
	f.add(old)
	f.saw(old, []byte("nginx\n"), start)
	f.add(other)
	f.saw(other, []byte("nginx\n"), start.Add(settled))
	if !f.has(other) {
		t.Error("it is settled for as long as another was")
	}
	f.saw(other, []byte("env\n"), start.Add(settled+1))
	f.saw(other, []byte("nginx\n"), start.Add(2*settled))
	if !f.has(other) {
		t.Error("it is settled although it was env meanwhile")
	}
	f.saw(other, []byte("nginx\n"), start.Add(3*settled))
	if f.has(other) {
		t.Error("it never settles")
	}
}

// asleep starts a process of this name and arguments that does nothing.
func asleep(t testing.TB, args ...string) int {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("no sleep to start")
	}
	link := filepath.Join(t.TempDir(), args[0])
	if err := os.Symlink(sleep, link); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(link)
	cmd.Args = args
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 1000 { // the kernel lets Start return a little before a process has its new name
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid)); err == nil && string(line) == strings.Join(args, "\x00")+"\x00" {
			return cmd.Process.Pid
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s does not begin", args[0])
	return 0
}

// On a real /proc: it is read from a pid on, and what begins is seen, and seen again.
func TestRealProc(t *testing.T) {
	table := newTable("/proc", false)
	defer table.close()
	table.clients()
	if !table.seeks {
		t.Error("/proc cannot be read from a pid on")
	}
	for s := range 3 {
		pid := asleep(t, "systemd-run", "1000")
		for range 2 {
			var got []int
			for _, c := range table.clients() {
				got = append(got, c.PID)
			}
			if !slices.Contains(got, pid) {
				t.Errorf("scan %d: pid %d not among %v, newest %d", s, pid, got, table.newest)
			}
		}
	}
	full := table.entries(nil, span{0, math.MaxInt32}, math.MaxInt)
	for i, p := range full {
		got := table.entries(nil, span{p.pid, p.pid}, 1)
		if len(got) == 1 && got[0] != p {
			t.Errorf("entry %d: %v, read alone %v", i, p, got[0])
		}
	}
}

// BenchmarkScanProc scans when all is known, with more and more processes that sleep; "first"
// is the scan that reads them all.
func BenchmarkScanProc(b *testing.B) {
	started := 0
	for _, n := range []int{0, 1000, 5000} {
		for ; started < n; started++ {
			asleep(b, "sleep", "1000")
		}
		for _, first := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/%d", map[bool]string{true: "first", false: "usual"}[first], n), func(b *testing.B) {
				table := newTable("/proc", false)
				defer table.close()
				table.clients()
				for p, h := range table.fickle {
					h.since = h.since.Add(-settled)
					table.fickle[p] = h
				}
				table.clients()
				b.ReportAllocs()
				for b.Loop() {
					if first {
						table.newest = 0
					}
					table.clients()
				}
				b.ReportMetric(float64(len(table.pids)), "read")
			})
		}
	}
}
