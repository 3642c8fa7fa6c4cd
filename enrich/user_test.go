package enrich

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tellUser begins a stream of alice's manager, followed live.
func tellUser() *teller {
	t := tell()
	t.say(Observation{Kind: KindStart, Host: Host{Name: "h", BootID: "b", Manager: "user-1000-77", Systemd: "257", Finished: 1}})
	return t
}

// runs plays a run of a.service that began with job 9 and ends by itself.
func (t *teller) runs(result string, code, status int32) {
	asked := Client{PID: 7, Comm: "systemctl", Verb: "start", Units: []string{"a.service"}, Unit: "session-1.scope"}
	t.start(9, "a.service", asked)
	began := t.mono
	t.say(Observation{Kind: KindJobRemoved, Unit: "a.service", Job: Job{ID: 9, Result: "done"}})
	t.wait(300_000)
	t.out = nil
	t.say(Observation{Kind: KindUnit, Unit: "a.service", Process: Process{Iface: "service", Result: result, ExecCode: code, ExecStatus: status, ExecStart: began, ExecExit: t.mono},
		State: State{Active: "inactive", Sub: "dead", Invocation: "run", Changed: t.mono, InactiveExit: began - 1000, ActiveEnter: began - 1000, ActiveExit: t.mono, InactiveEnter: t.mono}})
}

// TestQuietEnd: a user's manager logs nothing when a run ends well (evidence §4.3).
func TestQuietEnd(t *testing.T) {
	down := Observation{Kind: KindWitness, Witness: Witness{Name: WitnessJournal, Why: "it died"}}
	tests := []struct {
		name string
		play func() *teller
		want []string
	}{
		{"of a user's manager", func() *teller { t := tellUser(); t.runs("success", 1, 0); return t }, []string{"exit done clean-exit ok"}},
		{"of PID 1", func() *teller { t := tell(); t.runs("success", 1, 0); return t }, []string{"exit done unknown warning -journal"}},
		{"the journal went away", func() *teller { t := tellUser(); t.runs("success", 1, 0); t.say(down); return t },
			[]string{"exit done unknown warning -journal"}},
		{"a failure is logged", func() *teller { t := tellUser(); t.runs("exit-code", 1, 3); return t }, []string{"exit failed crash critical -journal"}},
		{"a client's signal is logged", func() *teller {
			t := tellUser()
			t.runs("success", 2, 15)
			t.entry(Entry{Unit: "a.service", Invocation: "run", Message: "a.service: Sent signal SIGTERM to main process 12 (x) on client request."})
			return t
		}, []string{"exit done manual ok"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			teller := tt.play()
			teller.wait(2_000_000)
			if diff := cmp.Diff(tt.want, verdicts(teller.out)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestInService: who asks from within a user's manager is a machine to that manager, unless
// people work there, and a person to PID 1.
func TestInService(t *testing.T) {
	within := "/user.slice/user-1000.slice/user@1000.service/app.slice/"
	for _, tt := range []struct {
		manager, unit, cgroup string
		want                  bool
	}{
		{"user-1000-77", "sync.service", within + "sync.service", true},
		{"system", "sync.service", within + "sync.service", false},
		{"user-1000-77", "app-org.kde.konsole@a1.service", within + "app-org.kde.konsole@a1.service", false},
		{"user-1000-77", "tmux.service", within + "tmux.service", false},
		{"user-1000-77", "tmux@work.service", within + "tmux@work.service", false},
		{"user-1000-77", "screenshots.service", within + "screenshots.service", true},
		{"user-1000-77", "app-gnome-x-12.scope", within + "app-gnome-x-12.scope", false},
		{"user-1000-77", "user@1000.service", "/user.slice/user-1000.slice/user@1000.service/init.scope", false},
		{"user-1000-77", "session-3.scope", "/user.slice/user-1000.slice/session-3.scope", false},
		{"user-1000-77", "cron.service", "/system.slice/cron.service", true},
	} {
		c := New(Options{})
		c.host.Manager = tt.manager
		if got := c.inService(&Client{Unit: tt.unit, Cgroup: tt.cgroup}); got != tt.want {
			t.Errorf("%s: in %s: %v, want %v", tt.manager, tt.unit, got, tt.want)
		}
	}
}

// TestRestartOfQuietRun: from the journal alone, a run that ended well left no entry, so that an
// older crash is not why the unit is restarted.
func TestRestartOfQuietRun(t *testing.T) {
	c := New(Options{LogLines: -1})
	c.Observe(Observation{Kind: KindStart, Host: Host{BootID: "b", Manager: "user-1000-77", Finished: 1}})
	var at int64
	entry := func(e Entry) []Event {
		at += 1_000_000
		e.Source, e.Unit, e.Time, e.Mono = SourceManager, "a.service", at, at
		return c.Observe(Observation{Kind: KindEntry, Time: at, Mono: at, Entry: e})
	}
	started := func(id uint32, run string) Entry {
		return Entry{MessageID: MsgStarted, Job: id, JobType: "start", JobResult: "done", Invocation: run, Message: "Started."}
	}
	scheduled := func(run string) Entry {
		return Entry{MessageID: MsgRestartScheduled, Invocation: run, Message: "a.service: Scheduled restart job, restart counter is at 1."}
	}
	var events []Event
	for _, e := range []Entry{
		started(3, "one"),
		{MessageID: MsgFailureResult, Result: "exit-code", Invocation: "one", Message: "a.service: Failed with result 'exit-code'."},
		scheduled("one"), started(5, "two"),
		scheduled("two"), started(7, "three"),
	} {
		events = append(events, entry(e)...)
	}
	events = append(events, c.Flush()...)
	want := []string{"exit failed crash warning", "start done unknown ok -config -dbus -proc", "restart done crash warning",
		"restart done unknown ok -history"}
	if diff := cmp.Diff(want, verdicts(events)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestHome: what journald drops of a user's manager is missing in that one's stream alone.
func TestHome(t *testing.T) {
	for manager, want := range map[string]string{"system": "init.scope", "user-1000-77": "user@1000.service", "": "init.scope"} {
		if got := (Host{Manager: manager}).home(); got != want {
			t.Errorf("%q: %q, want %q", manager, got, want)
		}
	}
}

// TestRestartBeforeEnd: a restart is told before the end of the run that it began, though
// its verdict waits for configuration.
func TestRestartBeforeEnd(t *testing.T) {
	p := tell()
	unit := func(s State, process Process) {
		s.Changed = p.mono
		p.say(Observation{Kind: KindUnit, Unit: "a.service", State: s, Process: process})
	}
	unit(State{Active: "active", Sub: "running", Invocation: "old", InactiveExit: 1, ActiveEnter: 1}, Process{Iface: "service", Result: "success"})
	p.say(Observation{Kind: KindJobNew, Unit: "a.service", Job: Job{ID: 9}})
	p.say(Observation{Kind: KindClients, Jobs: []uint32{9}})
	unit(State{Active: "deactivating", Sub: "stop-sigterm", Job: 9, Invocation: "old", InactiveExit: 1, ActiveEnter: 1, ActiveExit: p.mono}, Process{})
	p.entry(Entry{Unit: "a.service", Job: 9, JobType: "stop", MessageID: MsgStopping, Invocation: "old", Message: "Stopping."})
	p.entry(Entry{Unit: "a.service", Job: 9, JobType: "restart", JobResult: "done", MessageID: MsgStopped, Invocation: "old", Message: "Stopped."})
	began := p.mono
	unit(State{Active: "active", Sub: "running", Job: 9, Invocation: "new", InactiveExit: began, ActiveEnter: began}, Process{})
	p.entry(Entry{Unit: "a.service", Job: 9, JobType: "start", JobResult: "done", MessageID: MsgStarted, Invocation: "new", Message: "Started."})
	p.say(Observation{Kind: KindJobRemoved, Unit: "a.service", Job: Job{ID: 9, Result: "done"}})
	p.entry(Entry{Unit: "a.service", MessageID: MsgFailureResult, Result: "signal", Invocation: "new", Message: "a.service: Failed with result 'signal'."})
	unit(State{Active: "failed", Sub: "failed", Invocation: "new", InactiveExit: began, ActiveEnter: began, ActiveExit: p.mono, InactiveEnter: p.mono},
		Process{Iface: "service", Result: "signal", ExecCode: 2, ExecStatus: 9, ExecExit: p.mono})
	p.say(Observation{Kind: KindConfig, Unit: "a.service", Config: Config{Names: []string{"a.service"}, Restart: "no", LogLevelMax: -1}})
	p.wait(2_000_000)
	want := []string{"restart done manual ok -requester", "exit failed crash critical"}
	if diff := cmp.Diff(want, verdicts(p.out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
