package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	fixtureEpoch = int64(1_700_000_000_000_000) // µs: 2023-11-14 22:13:20 UTC
	fixtureBoot  = "00000000000000000000000000000b07"
)

// An entryText is an entry of a fixture: when, in seconds after fixtureEpoch, and its fields.
type entryText struct {
	at     float64
	fields []string
}

// says is a line of PID 1 about a unit.
func says(at float64, unit, id, message string, more ...string) entryText {
	return entryText{at, append([]string{"_PID=1", "_COMM=systemd", "_TRANSPORT=journal", "UNIT=" + unit, "MESSAGE_ID=" + id, "MESSAGE=" + message, "PRIORITY=6"}, more...)}
}

func runID(n int) string { return fmt.Sprintf("INVOCATION_ID=%032x", n) }

func job(id int, kind, result string) []string {
	fields := []string{fmt.Sprintf("JOB_ID=%d", id), "JOB_TYPE=" + kind}
	if result != "" {
		fields = append(fields, "JOB_RESULT="+result)
	}
	return fields
}

// fixture makes a journal of the entries and gives its directory.
func fixture(t *testing.T, entries ...entryText) string {
	t.Helper()
	const remote = "/lib/systemd/systemd-journal-remote"
	if _, err := os.Stat(remote); err != nil {
		if os.Getenv("SDWHY_CI") != "" {
			t.Fatalf("systemd-journal-remote is missing: %v", err)
		}
		t.Skipf("apt-get install systemd-journal-remote: %v", err)
	}
	var text bytes.Buffer
	for _, e := range entries {
		at := int64(e.at * 1e6)
		fmt.Fprintf(&text, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n%s\n\n", fixtureEpoch+at, at+1e6, fixtureBoot, strings.Join(e.fields, "\n"))
	}
	dir := t.TempDir()
	cmd := exec.Command(remote, "-o", filepath.Join(dir, "a.journal"), "-")
	cmd.Stdin = &text
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("systemd-journal-remote: %v\n%s", err, out)
	}
	return dir
}

// day is what happens to web.service: it crashes and comes back, is restarted through
// sudo, crashes for good; other.service is stopped with it once.
func day() []entryText {
	web := func(at float64, id, message string, run int, more ...string) entryText {
		return says(at, "web.service", id, message, append(more, runID(run))...)
	}
	return []entryText{
		web(3600, enrich.MsgStarting, "Starting web.service...", 1, job(5000, "start", "")...),
		web(3600.1, enrich.MsgStarted, "Started web.service.", 1, job(5000, "start", "done")...),
		{7199, []string{"_PID=88", "_COMM=web", "_SYSTEMD_UNIT=web.service", "_TRANSPORT=stdout", fmt.Sprintf("_SYSTEMD_INVOCATION_ID=%032x", 1), "PRIORITY=6", "MESSAGE=about to \x1b[31mfail"}},
		web(7200, enrich.MsgProcessExit, "web.service: Main process exited, code=killed, status=11/SEGV", 1, "EXIT_CODE=killed", "EXIT_STATUS=11", "COMMAND=ExecStart"),
		web(7200.1, enrich.MsgFailureResult, "web.service: Failed with result 'signal'.", 1, "UNIT_RESULT=signal"),
		web(7200.2, enrich.MsgRestartScheduled, "web.service: Scheduled restart job, restart counter is at 1.", 1, "N_RESTARTS=1"),
		web(7200.3, enrich.MsgStopped, "Stopped web.service.", 1, job(5100, "restart", "done")...),
		web(7200.4, enrich.MsgStarting, "Starting web.service...", 2, job(5100, "restart", "")...),
		web(7200.5, enrich.MsgStarted, "Started web.service.", 2, job(5100, "restart", "done")...),
		{10000, []string{"_PID=99", "_COMM=sudo", "_EXE=/usr/bin/sudo", "_UID=1000", "_TRANSPORT=syslog", "SYSLOG_IDENTIFIER=sudo", "PRIORITY=5",
			"MESSAGE=   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/systemctl restart web"}},
		web(10000.1, enrich.MsgStopping, "Stopping web.service...", 2, job(5200, "restart", "")...),
		web(10000.2, enrich.MsgSuccess, "web.service: Deactivated successfully.", 2),
		web(10000.3, enrich.MsgStopped, "Stopped web.service.", 2, job(5200, "restart", "done")...),
		web(10000.4, enrich.MsgStarting, "Starting web.service...", 3, job(5200, "restart", "")...),
		web(10000.5, enrich.MsgStarted, "Started web.service.", 3, job(5200, "restart", "done")...),
		web(12000, enrich.MsgReloading, "Reloading web.service...", 3, job(5300, "reload", "")...),
		web(12000.2, enrich.MsgReloaded, "Reloaded web.service.", 3, job(5300, "reload", "done")...),
		says(20000, "other.service", enrich.MsgStopping, "Stopping other.service...", append(job(5400, "stop", ""), runID(9))...),
		web(20000.05, enrich.MsgStopping, "Stopping web.service...", 3, job(5401, "stop", "")...),
		web(20000.1, enrich.MsgSuccess, "web.service: Deactivated successfully.", 3),
		web(20000.2, enrich.MsgStopped, "Stopped web.service.", 3, job(5401, "stop", "done")...),
		says(20000.3, "other.service", enrich.MsgStopped, "Stopped other.service.", append(job(5400, "stop", "done"), runID(9))...),
		says(90000, "late.service", enrich.MsgStarted, "Started late.service.", append(job(9000, "start", "done"), runID(10))...),
	}
}

const daySince, dayUntil = "2023-11-14 22:30 UTC", "2023-11-15 22:30 UTC"

// call runs sdwhy in this process.
func call(args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	a := &app{stdout: &out, stderr: &errs, env: func(string) string { return "" }}
	status = a.run(context.Background(), args)
	return out.String(), errs.String(), status
}

func TestExplainText(t *testing.T) {
	inUTC(t)
	dir := fixture(t, day()...)
	out, errs, status := call("explain", "web", "-D", dir, "--since", daySince, "--until", dayUntil)
	if status != 0 || errs != "" {
		t.Fatalf("status %d, stderr %q", status, errs)
	}
	out = strings.ReplaceAll(out, dir, "DIR")
	golden := filepath.Join("testdata", "explain.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out); diff != "" {
		t.Errorf("text (-want +got), -update accepts it:\n%s", diff)
	}
}

func inUTC(t *testing.T) {
	zone := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = zone })
}

// told is "ACTION CAUSE" of each event that explain gives as JSON.
func told(t *testing.T, args ...string) (events []string) {
	t.Helper()
	for _, e := range explained(t, args...) {
		events = append(events, e.Action+" "+string(e.Cause))
	}
	return events
}

// explained are the events that explain gives as JSON.
func explained(t *testing.T, args ...string) (events []enrich.Event) {
	t.Helper()
	out, errs, status := call(append([]string{"explain", "-o", "json"}, args...)...)
	if status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	for line := range strings.Lines(out) {
		var e enrich.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

func TestExplainPicks(t *testing.T) {
	inUTC(t)
	dir := fixture(t, day()...)
	all := []string{"start unknown", "exit crash", "restart crash", "restart manual", "reload manual", "stop unknown"}
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"web"}, all},
		{[]string{"w*"}, all},
		{[]string{"web.service", "-n", "2"}, all[4:]},
		{[]string{"web", "-n", "3"}, all[3:]},
		{[]string{"web", "--failed"}, all[1:2]},
		{[]string{"web", "--cause", "crash", "-n", "1"}, all[2:3]},
		{[]string{}, all[1:2]},
		{[]string{"web", "--since", "2023-11-15 01:00"}, all[3:]},
		{[]string{"web", "--until", "2023-11-15 01:00"}, all[:3]},
		{[]string{"web", "--since", "2023-11-15 01:00", "--until", "2023-11-15 01:01"}, all[3:4]},
		{[]string{"web", "--boot"}, all},
		{[]string{"web", "--boot=" + fixtureBoot}, all},
		{[]string{"web", "--until", "2023-11-01"}, nil},
	} {
		if diff := cmp.Diff(test.want, told(t, append(test.args, "-D", dir)...)); diff != "" {
			t.Errorf("explain %v (-want +got):\n%s", test.args, diff)
		}
	}
}

// TestExplainVerdict: what sdwhy itself wrote down goes over what is rebuilt.
func TestExplainVerdict(t *testing.T) {
	id := fixtureBoot + "/system/job/5000"
	event := fmt.Sprintf(`{"id":%q,"time":"2023-11-14T23:13:20.100000Z","boot_id":%q,"manager":"system","unit":"web.service","action":"start","result":"done","cause":"timer","severity":"ok","tags":[],"description":"web.service started"}`, id, fixtureBoot)
	verdict := func(uid string) entryText {
		return entryText{3600.2, []string{"_PID=77", "_COMM=sdwhy", "_UID=" + uid, "_TRANSPORT=journal", "MESSAGE_ID=" + enrich.MsgVerdict, "MESSAGE=web.service started",
			"SDWHY_EVENT_ID=" + id, "SDWHY_UNIT=web.service", "SDWHY_EVENT=" + event}}
	}
	insert := func(e entryText) []entryText { return append(append(day()[:2:2], e), day()[2:]...) }
	if got := told(t, "web", "-D", fixture(t, insert(verdict("0"))...))[0]; got != "start timer" {
		t.Errorf("with root's verdict the start is %q", got)
	}
	if got := told(t, "web", "-D", fixture(t, insert(verdict("1000"))...))[0]; got != "start unknown" {
		t.Errorf("with anybody's verdict the start is %q", got)
	}
}

func TestExplainBadInput(t *testing.T) {
	dir := fixture(t, day()...)
	foreign := filepath.Join(t.TempDir(), "foreign.journal")
	if err := os.WriteFile(foreign, []byte("no journal"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"wbe", "-D", dir}, 1, "did you mean web.service?"},
		{[]string{"zz*", "-D", dir}, 1, "no such unit in the journal: zz*"},
		{[]string{"web", "-D", dir, "--until", "2023-11-01"}, 0, "no entries of web until"},
		{[]string{"web", "-D", dir, "--since", "today", "--until", "yesterday"}, 2, "the range runs backwards"},
		{[]string{"web", "-D", dir, "--since", "soonish"}, 2, `"soonish" is no time`},
		{[]string{"web", "-D", dir, "-n", "0"}, 2, "-n takes a number of events"},
		{[]string{"web", "-D", dir, "--cause", "chrash"}, 2, `did you mean "crash"?`},
		{[]string{"web", "-D", dir, "-o", "jsno"}, 2, `did you mean "json"?`},
		{[]string{"web", "-D", dir, "--boot=-7"}, 1, "the journal has no boot -7, it knows 1"},
		{[]string{"web", "-D", dir, "--boot=last"}, 2, "is no boot"},
		{[]string{"web", "-D", dir, "--file", foreign}, 2, "exclude each other"},
		{[]string{"web", "-D", dir + "/none"}, 1, "no such file or directory"},
		{[]string{"web", "--file", dir + "/none"}, 1, "no such file"},
		{[]string{"web", "--file", foreign}, 1, "foreign.journal"},
		{[]string{"a\nb", "-D", dir}, 2, "is no name of a unit"},
		{[]string{"web", "-D", dir, "--user=nobody-here"}, 2, "no such user: nobody-here"},
		{[]string{"web", "-D", dir, "--user=1000"}, 1, "no such unit in the journal: web"},
	} {
		out, errs, status := call(append([]string{"explain"}, test.args...)...)
		if status != test.status || !strings.Contains(errs, test.says) || out != "" {
			t.Errorf("explain %q: status %d, want %d; stderr %q, want %q; stdout %q", test.args, status, test.status, errs, test.says, out)
		}
	}
}

// TestExplainDamaged: of a directory with a damaged file the rest is told.
func TestExplainDamaged(t *testing.T) {
	dir := fixture(t, day()...)
	whole, err := os.ReadFile(filepath.Join(dir, "a.journal"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.journal"), whole[:4096], 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, status := call("explain", "web", "-D", dir)
	if status != 0 || !strings.Contains(out, "1 crash (SIGSEGV)") || !strings.Contains(errs, "b.journal") {
		t.Errorf("status %d, stderr %q, stdout %q", status, errs, out)
	}
}
