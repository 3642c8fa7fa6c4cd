package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
)

const (
	journalRemote = "/lib/systemd/systemd-journal-remote"
	journalUnits  = 200
	// JournalUnit is one of the units in what MakeJournal makes.
	JournalUnit = "app-117.service"
)

// MakeJournal writes a journal of about n entries: units that log, crash, come back
// and are restarted by hand, all the time. It needs Debian's systemd-journal-remote.
func MakeJournal(ctx context.Context, path string, n int) error {
	cmd := exec.CommandContext(ctx, journalRemote, "-o", path, "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("failed to start systemd-journal-remote: %w", err)
	}
	if err := writeExport(in, n); err != nil {
		return fmt.Errorf("failed to write to systemd-journal-remote: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("systemd-journal-remote failed: %w", err)
	}
	return nil
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
	unit := fmt.Sprintf("app-%d.service", cycle%journalUnits)
	run := func(c int) string { return fmt.Sprintf("%032x", c+1) }
	job := strconv.Itoa(1000 + cycle*60)
	for i := range 33 {
		x.entry("_PID=4242", "_COMM=app", "_TRANSPORT=stdout", "SYSLOG_IDENTIFIER=app", "_SYSTEMD_UNIT="+unit, "_SYSTEMD_SLICE=system.slice",
			"_SYSTEMD_INVOCATION_ID="+run(cycle), "PRIORITY=6", fmt.Sprintf("MESSAGE=request %d of %d served in 12 ms", i, cycle))
	}
	id := func(c int) string { return "INVOCATION_ID=" + run(c) }
	if cycle/journalUnits%2 == 0 {
		x.manager(unit, "98e322203f7a4ed290d09fe03c09fe15", unit+": Main process exited, code=dumped, status=11/SEGV", id(cycle), "EXIT_CODE=dumped", "EXIT_STATUS=11", "COMMAND=ExecStart")
		x.manager(unit, "d9b373ed55a64feb8242e02dbe79a49c", unit+": Failed with result 'core-dump'.", id(cycle), "UNIT_RESULT=core-dump")
		x.manager(unit, "5eb03494b6584870a536b337290809b3", unit+": Scheduled restart job, restart counter is at 1.", id(cycle), "N_RESTARTS=1")
		x.manager(unit, "9d1aaa27d60140bd96365438aad20286", "Stopped "+unit+".", id(cycle), "JOB_ID="+job, "JOB_TYPE=restart", "JOB_RESULT=done")
	} else {
		x.manager(unit, "de5b426a63be47a7b6ac3eaac82e2f6f", "Stopping "+unit+"...", id(cycle), "JOB_ID="+job, "JOB_TYPE=restart")
		x.manager(unit, "7ad2d189f7e94e70a38c781354912448", unit+": Deactivated successfully.", id(cycle))
		x.manager(unit, "9d1aaa27d60140bd96365438aad20286", "Stopped "+unit+".", id(cycle), "JOB_ID="+job, "JOB_TYPE=restart", "JOB_RESULT=done")
	}
	next := cycle + journalUnits
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
