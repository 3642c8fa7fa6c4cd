package enrich

import (
	"slices"
	"strconv"
	"testing"
)

// what a live stream of boot b that goes on in the journal of boot a is given; µs.
func comeBack() []Observation {
	const crashed = "0123456789abcdef0123456789abcdef"
	entry := func(boot string, e Entry) Observation {
		e.Source, e.BootID, e.Cursor = SourceManager, boot, strconv.FormatInt(e.Time, 10)
		return Observation{Kind: KindEntry, Time: 9_000_000, Mono: 3_000_000, Entry: e}
	}
	return []Observation{
		{Kind: KindStart, Time: 8_000_000, Mono: 2_000_000, Host: Host{BootID: "b", Manager: "system", Systemd: "257"}},
		{Kind: KindWitness, Time: 8_000_000, Mono: 2_000_000, Witness: Witness{Name: WitnessBus, Up: true}},
		{Kind: KindJobNew, Time: 8_100_000, Mono: 2_100_000, Unit: "x.target", Job: Job{ID: 5}},
		entry("a", Entry{Time: 1_000_000, Unit: "a.target", Job: 5, JobType: "start", JobResult: "done", MessageID: MsgStarted}),
		entry("a", Entry{Time: 1_100_000, Unit: "a.service", Invocation: crashed, MessageID: MsgFailureResult, Message: "a.service: Failed with result 'exit-code'."}),
		{Kind: KindJobRemoved, Time: 9_100_000, Mono: 3_100_000, Unit: "x.target", Job: Job{ID: 5, Type: "start", Result: "done"}},
		entry("", Entry{Time: 7_000_000, Unit: "b.service", Invocation: crashed, MessageID: MsgFailureResult, Message: "b.service: Failed with result 'exit-code'."}),
		entry("", Entry{Time: 9_100_000, Unit: "x.target", Job: 5, JobType: "start", JobResult: "done", MessageID: MsgStarted}),
		{Kind: KindWitness, Time: 9_200_000, Mono: 3_200_000, Witness: Witness{Name: WitnessJournal, Up: true, Since: 1}},
		{Kind: KindTick, Time: 15_000_000, Mono: 9_000_000},
	}
}

// TestFormerBoot: a job of the boot before, one with the same number of this boot, and
// runs that ended while nobody listened, after which their units were never heard of again.
func TestFormerBoot(t *testing.T) {
	c := New(Options{LogLines: -1})
	var ids []string
	for _, o := range comeBack() {
		for _, e := range c.Observe(o) {
			ids = append(ids, e.ID)
			if live := e.Unit == "x.target"; slices.Contains(e.Tags, "replayed") == live {
				t.Errorf("%s has the tags %q", e.ID, e.Tags)
			}
		}
	}
	slices.Sort(ids)
	const run = "0123456789abcdef0123456789abcdef"
	want := []string{"a/system/exit/" + run, "a/system/job/5", "b/system/exit/" + run, "b/system/job/5"}
	if !slices.Equal(ids, want) {
		t.Errorf("events %q, want %q", ids, want)
	}
	if c.Place() != "9100000" {
		t.Errorf("a restart goes on after %q, though all is told", c.Place())
	}
}
