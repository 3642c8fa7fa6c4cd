package enrich

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGone: what is known of a unit goes some time after the unit, but not its crashes.
func TestGone(t *testing.T) {
	tt := tell()
	for i := range 1000 {
		name := fmt.Sprintf("u%d.service", i)
		tt.say(Observation{Kind: KindUnit, Unit: name, State: State{Active: "inactive", Sub: "dead"}})
		tt.say(Observation{Kind: KindUnitRemoved, Unit: name})
	}
	crashed := tt.c.unit("u7.service")
	crashed.crashes = []int64{tt.mono}
	tt.say(Observation{Kind: KindUnitNew, Unit: "u8.service"}) // it is back, though nothing is known of it yet
	tt.c.unit("u8.service").stale = false
	if n := tt.c.Stats().Units; n != 1000 {
		t.Fatalf("%d units are known at once", n)
	}
	tt.wait(goneFor)
	tt.say(Observation{Kind: KindTick})
	if n := tt.c.Stats().Units; n != 2 || tt.c.peek("u7.service") == nil || tt.c.peek("u8.service") == nil {
		t.Errorf("%d units are known later", n)
	}
}

// TestGoneAgain: a unit that is unloaded again and again does not keep the others.
func TestGoneAgain(t *testing.T) {
	tt := tell()
	for i := range 200 {
		for _, name := range []string{"x.service", fmt.Sprintf("u%d.service", i)} {
			tt.say(Observation{Kind: KindUnit, Unit: name, State: State{Active: "inactive", Sub: "dead"}})
			tt.say(Observation{Kind: KindUnitRemoved, Unit: name})
		}
		tt.wait(goneFor / 2)
	}
	if n, gone := tt.c.Stats().Units, len(tt.c.gone); n > 10 || gone > 10 {
		t.Errorf("%d units are known, %d of them as gone", n, gone)
	}
}

// TestReadAgain: what could not be read because the bus was lost is asked for again.
func TestReadAgain(t *testing.T) {
	tt := tell()
	bus := func(up bool) {
		tt.say(Observation{Kind: KindWitness, Witness: Witness{Name: WitnessBus, Up: up}})
	}
	list := func() []string {
		tt.say(Observation{Kind: KindListing, Listing: []Listed{{Unit: "x.timer", Active: "active", Sub: "waiting"}}})
		return tt.c.Wants().Triggers
	}
	if got := list(); len(got) != 1 {
		t.Errorf("wants %v at first", got)
	}
	tt.say(Observation{Kind: KindConfig, Unit: "x.timer", Config: Config{LogLevelMax: -1, Failed: "not connected to the bus"}})
	bus(false)
	bus(true)
	if got := list(); len(got) != 1 {
		t.Errorf("wants %v afterwards", got)
	}
	tt.say(Observation{Kind: KindConfig, Unit: "x.timer", Config: Config{LogLevelMax: -1, Deps: map[string][]string{"Triggers": {"y.service"}}}})
	tt.say(Observation{Kind: KindConfig, Unit: "x.timer", Config: Config{LogLevelMax: -1, Failed: "late"}})
	if u := tt.c.unit("x.timer"); !u.readable() {
		t.Error("a failure has taken the place of what is known")
	}
}

// TestFiringOfAnotherBoot: a stream that turns out to be of several boots goes on with firings.
func TestFiringOfAnotherBoot(t *testing.T) {
	c := New(Options{})
	c.Observe(Observation{Kind: KindStart, Host: Host{Manager: "system"}})
	for i, id := range []string{"a", "b"} {
		c.Observe(Observation{Kind: KindEntry, Mono: int64(i + 1), Entry: Entry{Source: SourceManager, Time: int64(i + 1), BootID: id, Unit: "y.service", MessageID: MsgStarted}})
	}
	for i, sub := range []string{"waiting", "running"} {
		c.Observe(Observation{Kind: KindUnit, Mono: int64(i + 10), Unit: "x.timer", State: State{Active: "active", Sub: sub, Changed: int64(i + 10)}})
	}
	if len(c.fired.all) != 1 {
		t.Errorf("%d firings", len(c.fired.all))
	}
}

// TestTriggersRead: what a timer triggers is enough to know what it started, be it read before or after.
func TestTriggersRead(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			tt := tell()
			read := func() {
				tt.say(Observation{Kind: KindTriggers, Unit: "a.timer", Config: Config{Deps: map[string][]string{"Triggers": {"b.service"}}}})
			}
			tt.say(Observation{Kind: KindUnit, Unit: "a.timer", State: State{Active: "active", Sub: "waiting", Changed: tt.mono}})
			if w := tt.c.Wants(); len(w.Configs) > 0 || len(w.Triggers) != 1 {
				t.Errorf("wants %+v", w)
			}
			if when == "before" {
				read()
			}
			tt.say(Observation{Kind: KindUnit, Unit: "a.timer", State: State{Active: "active", Sub: "running", Changed: tt.mono}})
			tt.start(1, "b.service")
			tt.say(Observation{Kind: KindJobRemoved, Unit: "b.service", Job: Job{ID: 1, Result: "done"}})
			if when == "after" {
				if len(tt.out) > 0 {
					t.Errorf("told before it could be known: %v", verdicts(tt.out))
				}
				read()
			}
			tt.wait(100_000)
			if diff := cmp.Diff([]string{"start done timer ok"}, verdicts(tt.out)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnreadTrigger: only what a trigger can be for waits for word of what it triggers.
func TestUnreadTrigger(t *testing.T) {
	tests := []struct {
		trigger, unit string
		waits         bool
	}{
		{"a.timer", "b.service", true},
		{"a.timer", "b.path", true},
		{"a.timer", "b.timer", false},
		{"a.path", "b.path", false},
		{"a.path", "b.timer", true},
		{"a.socket", "b.service", true},
		{"a.socket", "b.target", false},
		{"a.automount", "b.service", false},
	}
	for _, tt := range tests {
		t.Run(tt.trigger+" "+tt.unit, func(t *testing.T) {
			teller := tell()
			teller.say(Observation{Kind: KindUnit, Unit: tt.trigger, State: State{Active: "active", Sub: "waiting", Changed: teller.mono}})
			teller.say(Observation{Kind: KindUnit, Unit: tt.trigger, State: State{Active: "active", Sub: "running", Changed: teller.mono}})
			teller.start(1, tt.unit, Client{PID: 5, Comm: "systemctl", Verb: "start", Units: []string{tt.unit}})
			teller.say(Observation{Kind: KindJobRemoved, Unit: tt.unit, Job: Job{ID: 1, Result: "done"}})
			if waits := len(teller.out) == 0; waits != tt.waits {
				t.Errorf("waits %v, want %v: %v", waits, tt.waits, verdicts(teller.out))
			}
		})
	}
}

// TestKnownClient: a client that is known to wait explains a job without a scan; where it turns
// out not to have asked for that, nobody was looked for.
func TestKnownClient(t *testing.T) {
	for verb, want := range map[string]string{
		"start":  "start done manual ok",
		"reload": "start done unknown ok -proc",
	} {
		t.Run(verb, func(t *testing.T) {
			tt := tell()
			tt.say(Observation{Kind: KindUnit, Unit: "a.service", State: State{Active: "inactive", Sub: "dead", Job: 1}})
			tt.say(Observation{Kind: KindJobNew, Unit: "a.service", Job: Job{ID: 1}})
			tt.say(Observation{Kind: KindClients, Jobs: []uint32{1}, Known: true, Clients: []Client{{PID: 5, Comm: "systemctl", Verb: verb, Units: []string{"a.service"}}}})
			tt.start(1, "a.service")
			tt.say(Observation{Kind: KindConfig, Unit: "a.service", Config: Config{LogLevelMax: -1}})
			tt.say(Observation{Kind: KindJobRemoved, Unit: "a.service", Job: Job{ID: 1, Result: "done"}})
			tt.wait(6_000_000)
			if diff := cmp.Diff([]string{want}, verdicts(tt.out)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestCameAfter: a client that began after the job had begun to work did not ask for it.
func TestCameAfter(t *testing.T) {
	for began, want := range map[int64]string{-5000: "restart done manual ok", 5000: "start done manual ok -requester"} {
		t.Run(fmt.Sprint(began), func(t *testing.T) {
			tt := tell()
			tt.say(Observation{Kind: KindUnit, Unit: "a.service", State: State{Active: "inactive", Sub: "dead"}})
			tt.say(Observation{Kind: KindUnit, Unit: "a.service", State: State{Active: "activating", Sub: "start", Job: 2, InactiveExit: tt.mono}})
			tt.start(2, "a.service", Client{PID: 5, Comm: "systemctl", Verb: "restart", Units: []string{"a.service"}, Started: tt.mono + began})
			tt.say(Observation{Kind: KindConfig, Unit: "a.service", Config: Config{LogLevelMax: -1}})
			tt.say(Observation{Kind: KindJobRemoved, Unit: "a.service", Job: Job{ID: 2, Result: "done"}})
			tt.wait(6_000_000)
			if diff := cmp.Diff([]string{want}, verdicts(tt.out)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestListedStamps: of a unit that was listed its stamps are not known, so those of its last run
// are no work of the job that comes.
func TestListedStamps(t *testing.T) {
	tt := tell()
	tt.mono = 100_000_000
	tt.say(Observation{Kind: KindListing, Listing: []Listed{{Unit: "a.service", Active: "failed", Sub: "failed"}}})
	old := State{InactiveExit: 10, ActiveEnter: 20, ActiveExit: 30, InactiveEnter: 40}
	queued := old
	queued.Active, queued.Sub, queued.Job, queued.Changed = "failed", "failed", 1, 40
	tt.say(Observation{Kind: KindUnit, Unit: "a.service", State: queued})
	tt.start(1, "a.service", Client{PID: 5, Comm: "systemctl", Verb: "start", Units: []string{"a.service"}, Started: tt.mono - 20_000})
	up := old
	up.Active, up.Sub, up.Job, up.Changed, up.InactiveExit = "active", "running", 1, tt.mono, tt.mono
	tt.say(Observation{Kind: KindUnit, Unit: "a.service", State: up})
	tt.say(Observation{Kind: KindConfig, Unit: "a.service", Config: Config{LogLevelMax: -1}})
	tt.say(Observation{Kind: KindJobRemoved, Unit: "a.service", Job: Job{ID: 1, Result: "done"}})
	tt.wait(6_000_000)
	if diff := cmp.Diff([]string{"start done manual ok"}, verdicts(tt.out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
