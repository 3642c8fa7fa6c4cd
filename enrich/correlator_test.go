package enrich

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// teller feeds a correlator by hand, one word of a witness after the other.
type teller struct {
	c    *Correlator
	mono int64
	out  []Event
}

const boot = 1_000_000_000

func tell() *teller {
	t := &teller{c: New(Options{LogLines: -1}), mono: 1_000_000}
	t.say(Observation{Kind: KindStart, Host: Host{Name: "h", BootID: "b", Manager: "system", Systemd: "257", Finished: 1}})
	for _, w := range []string{WitnessBus, WitnessJournal, WitnessProc} {
		t.say(Observation{Kind: KindWitness, Witness: Witness{Name: w, Up: true}})
	}
	return t
}

func (t *teller) say(o Observation) {
	t.mono += 1000
	o.Mono, o.Time = t.mono, boot+t.mono
	t.out = append(t.out, t.c.Observe(o)...)
}

func (t *teller) entry(e Entry) {
	e.Source, e.Time = SourceManager, boot+t.mono
	t.say(Observation{Kind: KindEntry, Entry: e})
}

func (t *teller) wait(us int64) {
	for until := t.mono + us; t.c.Deadline() != 0 && t.c.Deadline() <= until; {
		t.mono = max(t.mono, t.c.Deadline())
		t.out = append(t.out, t.c.Due(boot+t.mono, t.mono)...)
	}
	t.mono += us
}

// start plays a start job of a unit that a client may have asked for.
func (t *teller) start(id uint32, unit string, clients ...Client) {
	t.say(Observation{Kind: KindUnit, Unit: unit, State: State{Active: "inactive", Sub: "dead", Job: id}})
	t.say(Observation{Kind: KindJobNew, Unit: unit, Job: Job{ID: id}})
	t.say(Observation{Kind: KindClients, Jobs: []uint32{id}, Clients: clients})
	at := t.mono
	t.entry(Entry{Unit: unit, Job: id, JobType: "start", JobResult: "done", MessageID: MsgStarted, Invocation: "run", Message: "Started."})
	t.say(Observation{Kind: KindUnit, Unit: unit, State: State{Active: "active", Sub: "running", Job: id, Invocation: "run", Changed: at, InactiveExit: at, ActiveEnter: at}})
}

func verdicts(events []Event) []string {
	var out []string
	for _, e := range events {
		s := e.Action + " " + e.Result + " " + string(e.Cause) + " " + string(e.Severity)
		for _, m := range e.Missing {
			s += " -" + m
		}
		out = append(out, s)
	}
	return out
}

// TestWitnesses: manual is said only where every witness that could exclude it was there.
func TestWitnesses(t *testing.T) {
	asked := Client{PID: 7, Comm: "systemctl", Verb: "start", Units: []string{"a.service"}, User: "root"}
	config := Observation{Kind: KindConfig, Unit: "a.service", Config: Config{Names: []string{"a.service"}, LogLevelMax: -1}}
	removed := Observation{Kind: KindJobRemoved, Unit: "a.service", Job: Job{ID: 9, Result: "done"}}
	tests := []struct {
		name string
		play func(*teller)
		want []string
	}{
		{"a client that fits", func(t *teller) { t.start(9, "a.service", asked); t.say(removed) }, []string{"start done manual ok"}},
		{"nobody seen, all else excluded", func(t *teller) { t.start(9, "a.service"); t.say(config); t.say(removed) }, []string{"start done manual ok -requester"}},
		{"no configuration", func(t *teller) { t.start(9, "a.service"); t.say(removed) }, []string{"start done unknown ok -config"}},
		{"two that would make different causes", func(t *teller) {
			upgrade := asked
			upgrade.PID, upgrade.Via = 8, []string{"dpkg"}
			t.start(9, "a.service", asked, upgrade)
			t.say(config)
			t.say(removed)
		}, []string{"start done unknown ok -requester"}},
		{"a script of a service asked for another unit just before", func(t *teller) {
			script := asked
			script.Units, script.Unit = []string{"b.service"}, "cron.service"
			t.start(8, "b.service", script)
			t.say(Observation{Kind: KindJobRemoved, Unit: "b.service", Job: Job{ID: 8, Result: "done"}})
			t.wait(100_000)
			t.start(9, "a.service")
			t.say(config)
			t.say(removed)
		}, []string{"start done automation ok", "start done unknown ok -requester"}},
		{"a client that was seen before and after, but not just then", func(t *teller) {
			both := asked
			both.Units = []string{"b.service", "a.service"}
			t.say(Observation{Kind: KindClients, Clients: []Client{both}})
			t.start(9, "a.service")
			t.say(Observation{Kind: KindClients, Clients: []Client{both}})
			t.say(config)
			t.say(removed)
		}, []string{"start done manual ok"}},
		{"a script of a service that was seen before and after, asking for another unit", func(t *teller) {
			script := asked
			script.Units, script.Unit = []string{"b.service"}, "cron.service"
			t.say(Observation{Kind: KindClients, Clients: []Client{script}})
			t.start(9, "a.service")
			t.say(Observation{Kind: KindClients, Clients: []Client{script}})
			t.say(config)
			t.say(removed)
		}, []string{"start done unknown ok -requester"}},
		{"another unit's client", func(t *teller) {
			other := asked
			other.Units = []string{"b.service"}
			t.start(9, "a.service", other)
			t.say(config)
			t.say(removed)
		}, []string{"start done manual ok -requester"}},
		{"the journal was away", func(t *teller) {
			t.say(Observation{Kind: KindWitness, Witness: Witness{Name: WitnessJournal, Why: "it died"}})
			t.start(9, "a.service")
			t.say(config)
			t.say(removed)
		}, []string{"start done unknown ok -journal"}},
		{"JobRemoved was lost", func(t *teller) { t.start(9, "a.service", asked); t.wait(10_000_000) }, []string{"start done manual ok -job_removed"}},
		{"JobNew was lost", func(t *teller) {
			t.say(config)
			t.say(Observation{Kind: KindUnit, Unit: "a.service", State: State{Active: "active", Sub: "running"}})
			t.say(removed)
			t.wait(300_000)
		}, []string{"nop done unknown ok -job_new -proc"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			teller := tell()
			tt.play(teller)
			teller.wait(6_000_000)
			if diff := cmp.Diff(tt.want, verdicts(teller.out)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestBounded: whatever is fed, the memory of units stays within its bound.
func TestBounded(t *testing.T) {
	c := New(Options{Units: 100})
	for i := range 5000 {
		c.Observe(Observation{Kind: KindUnit, Mono: int64(i), Unit: string(rune('a'+i%26)) + string(rune(i)) + ".service", State: State{Active: "active"}})
	}
	if n := c.Stats().Units; n > 100 {
		t.Errorf("%d units are remembered, want at most 100", n)
	}
}

// TestUnknownKind: a recording by a newer sdwhy is read as far as it is known.
func TestUnknownKind(t *testing.T) {
	if got := New(Options{}).Observe(Observation{Kind: "telepathy"}); got != nil {
		t.Errorf("got %v", got)
	}
}

// TestTimersAtOnce: timers that fire together, each with its service, are all told apart, though
// their configuration comes when all is over.
func TestTimersAtOnce(t *testing.T) {
	const n = 500
	tt := tell()
	name := func(i int, kind string) string { return fmt.Sprintf("t%d.%s", i, kind) }
	for i := range n {
		tt.say(Observation{Kind: KindUnit, Unit: name(i, "timer"), State: State{Active: "active", Sub: "waiting", Changed: tt.mono}})
	}
	for i := range n {
		tt.mono -= 999
		tt.say(Observation{Kind: KindUnit, Unit: name(i, "timer"), State: State{Active: "active", Sub: "running", Changed: tt.mono}})
	}
	for i := range n {
		tt.start(uint32(i+1), name(i, "service"))
		tt.say(Observation{Kind: KindJobRemoved, Unit: name(i, "service"), Job: Job{ID: uint32(i + 1), Result: "done"}})
		tt.mono -= 5400 // all within a second
	}
	if len(tt.out) > 0 {
		t.Fatalf("told before it could be known: %v", verdicts(tt.out))
	}
	for i := range n {
		tt.say(Observation{Kind: KindConfig, Unit: name(i, "timer"), Config: Config{Deps: map[string][]string{"Triggers": {name(i, "service")}}}})
	}
	tt.wait(6_000_000)
	if len(tt.out) != n {
		t.Errorf("%d events, want %d", len(tt.out), n)
	}
	for _, e := range tt.out {
		if e.Cause != CauseTimer || e.Trigger == nil || stem(e.Trigger.Unit) != stem(e.Unit) {
			t.Errorf("%s: cause %s, trigger %+v, missing %v", e.Unit, e.Cause, e.Trigger, e.Missing)
		}
	}
}

// TestHintForgotten: so is a start of which dbus-daemon may have told among too much else.
func TestHintForgotten(t *testing.T) {
	tests := []struct {
		name string
		wait int64
		want string
	}{
		{"just before", 0, "start done unknown ok -requester -trigger"},
		{"long before", 2 * nearby, "start done manual ok -requester"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			teller := tell()
			for i := range keptHints + 1 {
				teller.say(Observation{Kind: KindEntry, Entry: Entry{Source: SourceBus, Time: boot + teller.mono,
					Message: fmt.Sprintf("[system] Activating via systemd: service name='x' unit='a%d.service' requested by ':1.2'", i)}})
			}
			teller.wait(tt.wait)
			teller.start(1, "a0.service")
			teller.say(Observation{Kind: KindConfig, Unit: "a0.service", Config: Config{LogLevelMax: -1}})
			teller.say(Observation{Kind: KindJobRemoved, Unit: "a0.service", Job: Job{ID: 1, Result: "done"}})
			teller.wait(6_000_000)
			if diff := cmp.Diff([]string{tt.want}, verdicts(teller.out)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestFiringForgotten: a start that a forgotten firing may explain is not a client's.
func TestFiringForgotten(t *testing.T) {
	tt := tell()
	for i := range keptFirings + 1 {
		tt.mono -= 999
		unit := fmt.Sprintf("t%d.path", i)
		tt.say(Observation{Kind: KindUnit, Unit: unit, State: State{Active: "active", Sub: "running", Changed: tt.mono}})
		tt.say(Observation{Kind: KindConfig, Unit: unit})
		tt.mono -= 1000
	}
	tt.start(1, "a.service")
	tt.say(Observation{Kind: KindConfig, Unit: "a.service"})
	tt.say(Observation{Kind: KindJobRemoved, Unit: "a.service", Job: Job{ID: 1, Result: "done"}})
	tt.wait(6_000_000)
	if len(tt.out) != 1 || tt.out[0].Cause != CauseUnknown || !slices.Contains(tt.out[0].Missing, "trigger") {
		t.Errorf("%+v, want one unknown start that misses its trigger", tt.out)
	}
}
