package enrich

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fromJournal feeds entries, 10 ms apart, of a stream without a bus, and configuration before them.
func fromJournal(host Host, configs map[string]Config, entries ...Entry) []Event {
	c := New(Options{LogLines: -1})
	c.Observe(Observation{Kind: KindStart, Host: host})
	for unit, config := range configs {
		config.Names, config.LogLevelMax = []string{unit}, -1
		c.Observe(Observation{Kind: KindConfig, Unit: unit, Config: config})
	}
	var events []Event
	at := int64(1_000_000)
	for _, e := range entries {
		at += 10_000
		e.Source, e.Time, e.Mono = SourceManager, at, at
		events = append(events, c.Observe(Observation{Kind: KindEntry, Time: at, Mono: at, Entry: e})...)
	}
	return append(events, c.Flush()...)
}

func up(unit string, id uint32) Entry {
	return Entry{Unit: unit, MessageID: MsgStarted, Job: id, JobType: "start", JobResult: "done", Message: "Started."}
}

func causesOf(events []Event) map[string]Cause {
	causes := map[string]Cause{}
	for _, e := range events {
		causes[e.Unit] = e.Cause
	}
	return causes
}

// TestPastBoot: what a target of the boot pulls in is the boot's too, though its id is
// above those that were seen before basic.target was reached.
func TestPastBoot(t *testing.T) {
	wanted := map[string]Config{"a.service": {Deps: map[string][]string{"WantedBy": {"default.target"}}}}
	events := fromJournal(Host{BootID: "b", Manager: "user-1000-77"}, wanted,
		up("dbus.socket", 7), up("basic.target", 2), up("a.service", 10), up("default.target", 1))
	want := map[string]Cause{"dbus.socket": CauseBoot, "basic.target": CauseBoot, "a.service": CauseBoot, "default.target": CauseBoot}
	if diff := cmp.Diff(want, causesOf(events)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPastConnection: the unit that a socket makes for a connection does not name that
// socket any more once it is gone, so from the journal alone nothing is known of who asked.
func TestPastConnection(t *testing.T) {
	events := fromJournal(Host{BootID: "b", Manager: "system", Finished: 1}, map[string]Config{"echo@0-12-0.service": {}, "echo@work.service": {}},
		up("echo@0-12-0.service", 500), up("echo@work.service", 9000))
	want := map[string]Cause{"echo@0-12-0.service": CauseUnknown, "echo@work.service": CauseManual}
	if diff := cmp.Diff(want, causesOf(events)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPastCrowded: so much happened just before a stop that what it came of may be forgotten.
func TestPastCrowded(t *testing.T) {
	for crowd, want := range map[int]Cause{10: CauseManual, keptTraces + 10: CauseUnknown} {
		c := New(Options{LogLines: -1})
		c.Observe(Observation{Kind: KindStart, Host: Host{BootID: "b", Manager: "system", Finished: 1}})
		c.Observe(Observation{Kind: KindConfig, Unit: "a.service", Config: Config{LogLevelMax: -1}})
		for i := range crowd + 1 {
			e := Entry{Source: SourceManager, Unit: "x.service", MessageID: MsgStarted, Job: uint32(10_000 + i), JobType: "start", JobResult: "done", Time: 1_000_000 + int64(i)}
			if i == crowd {
				e.Unit, e.MessageID, e.Job, e.JobType = "a.service", MsgStopped, 100, "stop"
			}
			c.Observe(Observation{Kind: KindEntry, Time: e.Time, Mono: e.Time, Entry: e})
		}
		if got := causesOf(c.Flush())["a.service"]; got != want {
			t.Errorf("after %d jobs: %s, want %s", crowd, got, want)
		}
	}
}

// TestPastExits: a run that ended by itself is told, whatever became of the unit's jobs around it.
func TestPastExits(t *testing.T) {
	const unit = "a.service"
	start := Entry{Unit: unit, MessageID: MsgStarted, Job: 1, JobType: "start", JobResult: "done", Invocation: "one", Message: "Started."}
	failed := Entry{Unit: unit, MessageID: MsgFailureResult, Invocation: "one", Result: "exit-code", Message: "a.service: Failed with result 'exit-code'."}
	other := Entry{Unit: "b.service", MessageID: MsgStarted, Job: 9, JobType: "start", JobResult: "done", Message: "Started."}
	again := start
	again.Job, again.Invocation = 3, "two"
	failedAgain := failed
	failedAgain.Invocation = "two"
	tests := []struct {
		name    string
		entries []Entry
		want    []string
	}{
		{"the start that follows is refused", []Entry{start, failed,
			{Unit: unit, Invocation: "one", Message: "a.service: Start request repeated too quickly."}, failed,
			{Unit: unit, MessageID: MsgFailed, Job: 2, JobType: "start", JobResult: "failed", Invocation: "one", Message: "Failed to start."}, other},
			[]string{"start done ", "exit failed exit-code", "start failed start-limit-hit"}},
		{"a stop before it was canceled", []Entry{start,
			{Unit: unit, MessageID: MsgStopping, Job: 2, JobType: "stop", Invocation: "one", Message: "Stopping."},
			{Unit: unit, MessageID: MsgSuccess, Invocation: "one", Message: "a.service: Deactivated successfully."}, again, failedAgain, other},
			[]string{"start done ", "start done ", "exit failed exit-code"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, e := range fromJournal(Host{BootID: "b", Manager: "system", Finished: 1}, nil, tt.entries...) {
				if e.Unit == unit {
					got = append(got, ending(e))
				}
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func ending(e Event) string { return e.Action + " " + e.Result + " " + e.Failure }
