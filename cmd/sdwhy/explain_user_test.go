package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

// sheSays is a line of a manager of alice's about a unit.
func sheSays(at float64, pid int, unit, id, message string, more ...string) entryText {
	fields := []string{fmt.Sprintf("_PID=%d", pid), "_COMM=systemd", "_TRANSPORT=journal", "_UID=1000", "_SYSTEMD_UNIT=user@1000.service",
		"_SYSTEMD_USER_UNIT=init.scope", "USER_UNIT=" + unit, "MESSAGE_ID=" + id, "MESSAGE=" + message, "PRIORITY=6"}
	return entryText{at, append(fields, more...)}
}

// logins are two lives of alice's manager in one boot, with the same job ids: web.service is
// started in the boot of each, and crashes in the second. PID 1 and bob's manager know a
// web.service too.
func logins() []entryText {
	var entries []entryText
	login := func(at float64, pid, run int) {
		id := fmt.Sprintf("USER_INVOCATION_ID=%032x", run)
		entries = append(entries,
			sheSays(at, pid, "dbus.socket", enrich.MsgStarted, "Listening on dbus.socket.", job(12, "start", "done")...),
			sheSays(at, pid, "basic.target", enrich.MsgStarted, "Reached target basic.target.", job(2, "start", "done")...),
			sheSays(at+0.1, pid, "web.service", enrich.MsgStarted, "Started web.service.", append(job(11, "start", "done"), id)...),
			sheSays(at+0.2, pid, "default.target", enrich.MsgStarted, "Reached target default.target.", job(1, "start", "done")...),
			sheSays(at+0.3, pid, "", enrich.MsgUserStartup, "Startup finished in 300ms."))
	}
	login(100, 70, 1)
	entries = append(entries, sheSays(200, 70, "web.service", enrich.MsgStopping, "Stopping web.service...", job(40, "stop", "")...),
		sheSays(200.1, 70, "web.service", enrich.MsgStopped, "Stopped web.service.", job(40, "stop", "done")...))
	login(300, 90, 2)
	crash := func(e entryText) { entries = append(entries, e) }
	id := fmt.Sprintf("USER_INVOCATION_ID=%032x", 2)
	crash(sheSays(400, 90, "web.service", enrich.MsgProcessExit, "web.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED", id, "EXIT_CODE=exited", "EXIT_STATUS=3", "COMMAND=ExecStart"))
	crash(sheSays(400.1, 90, "web.service", enrich.MsgFailureResult, "web.service: Failed with result 'exit-code'.", id, "UNIT_RESULT=exit-code"))
	bobs := sheSays(500, 99, "web.service", enrich.MsgStarted, "Started web.service.", job(11, "start", "done")...)
	bobs.fields[4] = "_SYSTEMD_UNIT=user@1001.service"
	return append(entries, bobs, says(501, "web.service", enrich.MsgStarted, "Started web.service.", job(11, "start", "done")...))
}

// TestExplainUser: ids carry the manager that was, job ids of two managers are apart, and
// others' units of that name are not told.
func TestExplainUser(t *testing.T) {
	dir := fixture(t, logins()...)
	want := []string{"user-1000-70 start boot", "user-1000-70 stop manual", "user-1000-90 start boot", "user-1000-90 exit crash"}
	var got []string
	for _, e := range explained(t, "web", "--user=1000", "-D", dir) {
		got = append(got, fmt.Sprint(e.Manager, " ", e.Action, " ", e.Cause))
		if !strings.HasPrefix(e.ID, fixtureBoot+"/"+e.Manager+"/") {
			t.Errorf("the id %s is not of %s", e.ID, e.Manager)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := told(t, "web", "-D", dir); len(got) != 1 {
		t.Errorf("of the system's web.service: %q, want one start", got)
	}
}

// TestExplainUserProof: the command that proves an event fits a user's manager.
func TestExplainUserProof(t *testing.T) {
	out, errs, code := call("explain", "web", "--user=1000", "-D", fixture(t, logins()...))
	if code != 0 {
		t.Fatal(errs)
	}
	for _, want := range []string{
		"_SYSTEMD_UNIT=user@1000.service _PID=70 _BOOT_ID=" + fixtureBoot + " JOB_ID=40",
		fmt.Sprintf("_SYSTEMD_UNIT=user@1000.service _PID=90 USER_INVOCATION_ID=%032x", 2),
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no proof %q in:\n%s", want, out)
		}
	}
}

// TestExplainUserVerdict: a verdict counts only for the manager that it is of.
func TestExplainUserVerdict(t *testing.T) {
	verdict := func(manager string) entryText {
		id := fixtureBoot + "/" + manager + "/job/11"
		event := fmt.Sprintf(`{"id":%q,"time":"2023-11-14T22:15:00.100000Z","boot_id":%q,"manager":%q,"unit":"web.service","action":"start","result":"done","cause":"timer","severity":"ok","tags":[],"description":"x"}`, id, fixtureBoot, manager)
		return entryText{100.5, []string{"_PID=5", "_UID=0", "_TRANSPORT=journal", "MESSAGE_ID=" + enrich.MsgVerdict, "SDWHY_UNIT=web.service", "SDWHY_EVENT_ID=" + id, "SDWHY_EVENT=" + event, "MESSAGE=x"}}
	}
	for _, tt := range []struct {
		manager      string
		user, system string
	}{
		{"user-1000-70", "start timer", "start unknown"},
		{"system", "start boot", "start timer"},
		{"user-1001-99", "start boot", "start unknown"},
		{"user-100-70", "start boot", "start unknown"},
	} {
		dir := fixture(t, append(logins(), verdict(tt.manager))...)
		if got := told(t, "web", "--user=1000", "-D", dir)[0]; got != tt.user {
			t.Errorf("verdict of %s: alice's is %q, want %q", tt.manager, got, tt.user)
		}
		if got := told(t, "web", "-D", dir)[0]; got != tt.system {
			t.Errorf("verdict of %s: the system's is %q, want %q", tt.manager, got, tt.system)
		}
	}
}

func TestUserManager(t *testing.T) {
	own := fmt.Sprintf("user-%d", os.Getuid())
	for typed, want := range map[string]string{"": "", ownManager: own, "1000": "user-1000", "root": "user-0"} {
		if got, err := userManager(typed); got != want || err != nil {
			t.Errorf("userManager(%q) = %q, %v, want %q", typed, got, err, want)
		}
	}
	if _, err := userManager("no-such-user"); err == nil {
		t.Error("an unknown user passes")
	}
}
