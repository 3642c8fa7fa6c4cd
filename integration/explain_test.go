package integration

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

const (
	journalRemote = "/lib/systemd/systemd-journal-remote"
	ratioTarget   = 1.5
	ratioUnits    = 200
)

// TestExplainRatio prints how long explain takes beside journalctl on one journal, in
// one run: 50,000 entries, and a million where SDWHY_BENCH=1.
func TestExplainRatio(t *testing.T) {
	n := 50_000
	if os.Getenv("SDWHY_BENCH") == "1" {
		n = 1_000_000
	}
	if _, err := os.Stat(journalRemote); err != nil {
		t.Skipf("apt-get install systemd-journal-remote: %v", err)
	}
	sdwhy := filepath.Join(t.TempDir(), "sdwhy")
	if out, err := exec.Command("go", "build", "-o", sdwhy, "sdwhy/cmd/sdwhy").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	dir := t.TempDir()
	makeJournal(t, filepath.Join(dir, "remote.journal"), n)
	const unit = "app-117.service"
	commands := map[string][]string{
		"journalctl":   {"journalctl", "-D", dir, "-u", unit, "-n", "50", "-o", "json", "--no-pager"},
		"explain text": {sdwhy, "explain", unit, "-D", dir, "-n", "50"},
		"explain json": {sdwhy, "explain", unit, "-D", dir, "-n", "50", "-o", "json"},
	}
	took := map[string][]time.Duration{}
	for range 21 {
		for name, argv := range commands {
			took[name] = append(took[name], wallTime(t, argv))
		}
	}
	base := median(took["journalctl"])
	for _, name := range []string{"explain text", "explain json"} {
		m := median(took[name])
		ratio := float64(m) / float64(base)
		t.Logf("%d entries, %d units: %s -n 50 %v, journalctl -n 50 -o json %v, ratio %.2f (target %.1f)",
			n, ratioUnits, name, m.Round(10*time.Microsecond), base.Round(10*time.Microsecond), ratio, ratioTarget)
	}
}

func wallTime(t *testing.T, argv []string) time.Duration {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	var told lineCount
	cmd.Stdout = &told
	began := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v", argv, err)
	}
	took := time.Since(began)
	if told < 8 {
		t.Fatalf("%v wrote %d lines, want 8 or more", argv, told)
	}
	return took
}

type lineCount int

func (n *lineCount) Write(p []byte) (int, error) {
	for _, b := range p {
		if b == '\n' {
			*n++
		}
	}
	return len(p), nil
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

// makeJournal writes a journal of about n entries: units that log, crash, come back
// and are restarted by hand, all the time.
func makeJournal(t *testing.T, path string, n int) {
	t.Helper()
	cmd := exec.Command(journalRemote, "-o", path, "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := writeExport(in, n); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("systemd-journal-remote: %v", err)
	}
}

// An exporter writes entries in the journal's export format, 20 ms apart.
type exporter struct {
	w *bufio.Writer
	n int
}

const exportEpoch = 1_795_000_000_000_000 // µs

func writeExport(w io.WriteCloser, n int) error {
	x := &exporter{w: bufio.NewWriterSize(w, 1<<20)}
	for cycle := 0; x.n < n; cycle++ {
		x.cycle(cycle)
	}
	if err := x.w.Flush(); err != nil {
		return err
	}
	return w.Close()
}

// cycle is one unit's turn: it logs, then crashes and comes back, or is restarted.
func (x *exporter) cycle(cycle int) {
	unit := fmt.Sprintf("app-%d.service", cycle%ratioUnits)
	run := func(c int) string { return fmt.Sprintf("%032x", c+1) }
	job := strconv.Itoa(1000 + cycle*60)
	for i := range 33 {
		x.entry("_PID=4242", "_COMM=app", "_TRANSPORT=stdout", "SYSLOG_IDENTIFIER=app", "_SYSTEMD_UNIT="+unit, "_SYSTEMD_SLICE=system.slice",
			"_SYSTEMD_INVOCATION_ID="+run(cycle), "PRIORITY=6", fmt.Sprintf("MESSAGE=request %d of %d served in 12 ms", i, cycle))
	}
	id := func(c int) string { return "INVOCATION_ID=" + run(c) }
	if cycle/ratioUnits%2 == 0 {
		x.manager(unit, "98e322203f7a4ed290d09fe03c09fe15", unit+": Main process exited, code=dumped, status=11/SEGV", id(cycle), "EXIT_CODE=dumped", "EXIT_STATUS=11", "COMMAND=ExecStart")
		x.manager(unit, "d9b373ed55a64feb8242e02dbe79a49c", unit+": Failed with result 'core-dump'.", id(cycle), "UNIT_RESULT=core-dump")
		x.manager(unit, "5eb03494b6584870a536b337290809b3", unit+": Scheduled restart job, restart counter is at 1.", id(cycle), "N_RESTARTS=1")
		x.manager(unit, "9d1aaa27d60140bd96365438aad20286", "Stopped "+unit+".", id(cycle), "JOB_ID="+job, "JOB_TYPE=restart", "JOB_RESULT=done")
	} else {
		x.manager(unit, "de5b426a63be47a7b6ac3eaac82e2f6f", "Stopping "+unit+"...", id(cycle), "JOB_ID="+job, "JOB_TYPE=restart")
		x.manager(unit, "7ad2d189f7e94e70a38c781354912448", unit+": Deactivated successfully.", id(cycle))
		x.manager(unit, "9d1aaa27d60140bd96365438aad20286", "Stopped "+unit+".", id(cycle), "JOB_ID="+job, "JOB_TYPE=restart", "JOB_RESULT=done")
	}
	next := cycle + ratioUnits
	x.manager(unit, "7d4958e842da4a758f6c1cdc7b36dcc5", "Starting "+unit+"...", id(next), "JOB_ID="+job, "JOB_TYPE=restart")
	x.manager(unit, "39f53479d3a045ac8e11786248231fbf", "Started "+unit+".", id(next), "JOB_ID="+job, "JOB_TYPE=restart", "JOB_RESULT=done")
}

func (x *exporter) manager(unit, id, message string, more ...string) {
	x.entry(append([]string{"_PID=1", "_COMM=systemd", "_TRANSPORT=journal", "SYSLOG_IDENTIFIER=systemd", "_SYSTEMD_CGROUP=/init.scope", "_SYSTEMD_UNIT=init.scope",
		"CODE_FUNC=unit_log", "PRIORITY=6", "UNIT=" + unit, "MESSAGE_ID=" + id, "MESSAGE=" + message}, more...)...)
}

func (x *exporter) entry(fields ...string) {
	at := int64(x.n) * 20_000
	fmt.Fprintf(x.w, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\n_SOURCE_REALTIME_TIMESTAMP=%d\n_HOSTNAME=bench\n_UID=0\n_GID=0\n_MACHINE_ID=%032x\n",
		exportEpoch+at+300, at+60_000_000, 0xb007, exportEpoch+at, 0xacced)
	for _, f := range fields {
		x.w.WriteString(f)
		x.w.WriteByte('\n')
	}
	x.w.WriteByte('\n')
	x.n++
}
