package enrich

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stopping is a service whose run began at 1 and has been leaving since 2, in s.
func stopping(job uint32, active, sub string) State {
	s := State{Active: active, Sub: sub, Job: job, Invocation: "run", InactiveExit: 1e6, ActiveEnter: 1e6, ActiveExit: 2e6, Changed: 2e6}
	if active == "inactive" {
		s.InactiveEnter, s.Changed = 3e6, 3e6
	}
	return s
}

// TestSeams: what began before sdwhy looked, or is told late, makes no event of its own.
func TestSeams(t *testing.T) {
	const unit = "a.service"
	flush := func(t *teller, s State) { t.say(Observation{Kind: KindUnit, Unit: unit, State: s}) }
	gone := func(t *teller, id uint32) {
		t.say(Observation{Kind: KindJobRemoved, Unit: unit, Job: Job{ID: id, Result: "done"}})
	}
	tests := []struct {
		name string
		play func(*teller)
		want []string
	}{
		{"a stop that was under way", func(t *teller) {
			t.say(Observation{Kind: KindListing, Listing: []Listed{{Unit: unit, Active: "deactivating", Sub: "stop", Job: 9, JobType: "stop"}}})
			flush(t, stopping(9, "inactive", "dead"))
			gone(t, 9)
			t.entry(Entry{Unit: unit, Job: 9, JobType: "stop", JobResult: "done", MessageID: MsgStopped, Invocation: "run", Message: "Stopped."})
		}, []string{"stop done unknown ok -config -job_new -proc"}},
		{"a death that was under way", func(t *teller) {
			t.say(Observation{Kind: KindListing, Listing: []Listed{{Unit: unit, Active: "deactivating", Sub: "stop-post"}}})
			flush(t, stopping(0, "inactive", "dead"))
			t.entry(Entry{Unit: unit, MessageID: MsgSuccess, Invocation: "run", Message: unit + ": Deactivated successfully."})
		}, []string{"exit done clean-exit ok"}},
		{"an entry after its restart was told", func(t *teller) {
			t.start(8, unit, Client{PID: 7, Verb: "start", Units: []string{unit}})
			gone(t, 8)
			began := t.c.peek(unit).state.ActiveEnter
			t.say(Observation{Kind: KindJobNew, Unit: unit, Job: Job{ID: 9}})
			t.say(Observation{Kind: KindClients, Jobs: []uint32{9}, Clients: []Client{{PID: 8, Verb: "restart", Units: []string{unit}}}})
			down := State{Active: "deactivating", Sub: "stop-sigterm", Job: 9, Invocation: "run", InactiveExit: began, ActiveEnter: began, ActiveExit: t.mono, Changed: t.mono}
			flush(t, down)
			down.Active, down.Sub, down.InactiveEnter, down.Changed = "inactive", "dead", t.mono, t.mono
			flush(t, down)
			up := State{Active: "active", Sub: "running", Job: 9, Invocation: "new", InactiveExit: t.mono, ActiveEnter: t.mono, ActiveExit: down.ActiveExit, InactiveEnter: down.InactiveEnter, Changed: t.mono}
			flush(t, up)
			gone(t, 9)
			up.Active, up.Sub, up.Job, up.ActiveExit, up.InactiveEnter, up.Changed = "failed", "failed", 0, t.mono, t.mono, t.mono
			flush(t, up)
			t.wait(2_000_000)
			t.entry(Entry{Unit: unit, MessageID: MsgSuccess, Invocation: "run", Message: unit + ": Deactivated successfully."})
		}, []string{"start done manual ok", "restart done manual ok", "exit failed unknown critical -journal"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			teller := tell()
			tt.play(teller)
			teller.wait(2_000_000)
			if diff := cmp.Diff(tt.want, verdicts(teller.out)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestStopOfQueuedRestart: a stop that comes while the automatic restart is queued finds the
// sub-state of that, and is none itself (254+).
func TestStopOfQueuedRestart(t *testing.T) {
	tt := tell()
	state := func(sub string, job uint32) {
		tt.say(Observation{Kind: KindUnit, Unit: "a.service", State: State{Active: "activating", Sub: sub, Job: job, Changed: tt.mono}})
	}
	removed := func(id uint32, result string) {
		tt.say(Observation{Kind: KindJobRemoved, Unit: "a.service", Job: Job{ID: id, Result: result}})
	}
	state("auto-restart", 0)
	state("auto-restart-queued", 8)
	tt.say(Observation{Kind: KindJobNew, Unit: "a.service", Job: Job{ID: 8}})
	removed(8, "canceled")
	state("auto-restart-queued", 9)
	tt.say(Observation{Kind: KindJobNew, Unit: "a.service", Job: Job{ID: 9}})
	tt.say(Observation{Kind: KindClients, Jobs: []uint32{8, 9}, Clients: []Client{{PID: 7, Comm: "systemctl", Verb: "stop", Units: []string{"a.service"}, Unit: "session-1.scope"}}})
	tt.say(Observation{Kind: KindUnit, Unit: "a.service", State: State{Active: "inactive", Sub: "dead", Job: 9, Changed: tt.mono}})
	tt.entry(Entry{Unit: "a.service", Job: 9, JobType: "stop", JobResult: "done", MessageID: MsgStopped, Message: "Stopped a.service."})
	removed(9, "done")
	tt.wait(6_000_000)
	var told []string
	for _, e := range tt.out {
		told = append(told, e.Action+" "+e.Result)
	}
	if diff := cmp.Diff([]string{"restart canceled", "stop done"}, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRestartsWhileAway: a service that was restarted twice while sdwhy was away, the second time
// until now. Each restart has its own reason, though the bus tells of the newer one first.
func TestRestartsWhileAway(t *testing.T) {
	const unit = "a.service"
	tt := tell()
	tt.say(Observation{Kind: KindListing, Listing: []Listed{{Unit: unit, Active: "activating", Sub: "start", Job: 20, JobType: "start"}}})
	past := func(e Entry) {
		e.Source, e.Unit, e.Time = SourceManager, unit, boot+tt.mono-1_000_000
		tt.say(Observation{Kind: KindEntry, Entry: e})
	}
	for _, run := range []string{"one", "two"} {
		past(Entry{MessageID: MsgProcessExit, Invocation: run, ExitCode: "exited", ExitStatus: "3", Message: "a.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED"})
		past(Entry{MessageID: MsgFailureResult, Invocation: run, Result: "exit-code", Message: "a.service: Failed with result 'exit-code'."})
		past(Entry{MessageID: MsgRestartScheduled, Invocation: run, Message: "a.service: Scheduled restart job."})
		if run == "one" {
			past(Entry{MessageID: MsgStarting, Job: 10, JobType: "start", Invocation: "two", Message: "Starting."})
			past(Entry{MessageID: MsgStarted, Job: 10, JobType: "start", JobResult: "done", Invocation: "two", Message: "Started."})
		}
	}
	tt.entry(Entry{Unit: unit, MessageID: MsgStarted, Job: 20, JobType: "start", JobResult: "done", Invocation: "three", Message: "Started."})
	tt.say(Observation{Kind: KindJobRemoved, Unit: unit, Job: Job{ID: 20, Result: "done"}})
	tt.wait(20_000_000)
	var told []string
	for _, e := range tt.out {
		told = append(told, e.Action+" "+string(e.Cause))
	}
	if diff := cmp.Diff([]string{"exit crash", "exit crash", "restart crash", "restart crash"}, slices.Sorted(slices.Values(told))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPastToldOnceRead: what ended while sdwhy was away is told when the journal has been read to
// its end, and what has just ended not before others could have shown what it came of.
func TestPastToldOnceRead(t *testing.T) {
	c := New(Options{LogLines: -1})
	now := Observation{Time: boot + 10_000_000, Mono: 10_000_000}
	say := func(o Observation) (ids []string) {
		o.Time, o.Mono = now.Time, now.Mono
		for _, e := range c.Observe(o) {
			ids = append(ids, e.Unit+" "+e.Action)
		}
		return ids
	}
	say(Observation{Kind: KindStart, Host: Host{BootID: "b", Manager: "system", Systemd: "257", Finished: 1}})
	say(Observation{Kind: KindWitness, Witness: Witness{Name: WitnessBus, Up: true}})
	for _, e := range []Entry{
		{Time: now.Time - 5_000_000, Unit: "a.service", Invocation: "run", MessageID: MsgFailureResult, Message: "a.service: Failed with result 'exit-code'."},
		{Time: now.Time - 4_000_000, Unit: "b.target", Job: 7, JobType: "start", JobResult: "done", MessageID: MsgStarted},
		{Time: now.Time - 500_000, Unit: "c.target", Job: 8, JobType: "start", JobResult: "done", MessageID: MsgStarted},
	} {
		e.Source = SourceManager
		if e.Unit != "c.target" {
			if told := say(Observation{Kind: KindEntry, Entry: e}); told != nil {
				t.Errorf("%v told too soon", told)
			}
			continue
		}
		if diff := cmp.Diff([]string{"b.target start"}, say(Observation{Kind: KindEntry, Entry: e})); diff != "" {
			t.Errorf("with a later entry (-want +got):\n%s", diff)
		}
	}
	up := say(Observation{Kind: KindWitness, Witness: Witness{Name: WitnessJournal, Up: true}})
	if diff := cmp.Diff([]string{"a.service exit"}, up); diff != "" {
		t.Errorf("when all is read (-want +got):\n%s", diff)
	}
	now.Time, now.Mono = now.Time+600_000, now.Mono+100_000
	if diff := cmp.Diff([]string{"c.target start"}, say(Observation{Kind: KindTick})); diff != "" {
		t.Errorf("later (-want +got):\n%s", diff)
	}
}
