package integration

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

// eachRecording runs a test over the whole corpus.
func eachRecording(t *testing.T, test func(t *testing.T, rec []enrich.Observation)) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(corpus, "*", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range paths {
		if matched, _ := filepath.Match("*.want.jsonl", filepath.Base(path)); matched {
			continue
		}
		n++
		t.Run(filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), func(t *testing.T) {
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			rec, err := ReadObservations(file)
			if err != nil {
				t.Fatal(err)
			}
			test(t, rec)
		})
	}
	if n == 0 {
		t.Fatal("the corpus is empty; SDWHY_RECORD=1 go test -run TestScenarios records it")
	}
}

// simulate feeds observations as watch does: ticks come when the correlator wants them,
// not where the recording had them.
func simulate(rec []enrich.Observation) []enrich.Event {
	var events []enrich.Event
	var c *enrich.Correlator
	var mono, offset int64
	tick := func(until int64) {
		for c.Deadline() != 0 && c.Deadline() <= until {
			mono = max(mono, c.Deadline())
			events = append(events, c.Due(mono+offset, mono)...)
			c.Wants()
		}
	}
	for _, o := range rec {
		if c == nil {
			c = enrich.New(o.Options)
		}
		if o.Kind == enrich.KindTick {
			continue
		}
		offset = o.Time - o.Mono
		tick(o.Mono)
		mono = max(mono, o.Mono)
		events = append(events, c.Observe(o)...)
		c.Wants()
	}
	tick(mono + 10_000_000)
	return append(events, c.Flush()...)
}

// said is what of an event must not depend on when its evidence came.
type said struct {
	Action, Result, Cause, Failure, Severity string
	Trigger, Root                            string
	Missing                                  []string
}

func saying(events []enrich.Event) map[string]said {
	out := map[string]said{}
	for _, e := range events {
		s := said{Action: e.Action, Result: e.Result, Cause: string(e.Cause), Failure: e.Failure, Severity: string(e.Severity), Missing: e.Missing}
		if e.Trigger != nil {
			s.Trigger = e.Trigger.Unit + " " + e.Trigger.Relation
		}
		if e.Root != nil {
			s.Root = e.Root.Unit + " " + string(e.Root.Cause)
		}
		out[e.Unit+" "+e.ID] = s
	}
	return out
}

// TestTwice: the same input gives the same output.
func TestTwice(t *testing.T) {
	eachRecording(t, func(t *testing.T, rec []enrich.Observation) {
		a, _ := json.Marshal(simulate(rec))
		b, _ := json.Marshal(simulate(rec))
		if diff := cmp.Diff(string(a), string(b)); diff != "" {
			t.Errorf("a second replay differs (-first +second):\n%s", diff)
		}
	})
}

// TestNoise: signals and entries of other units change nothing.
func TestNoise(t *testing.T) {
	eachRecording(t, func(t *testing.T, rec []enrich.Observation) {
		got := saying(simulate(noisy(rec)))
		for key := range got {
			if len(key) > 5 && key[:5] == "noise" {
				delete(got, key)
			}
		}
		if diff := cmp.Diff(saying(simulate(rec)), got); diff != "" {
			t.Errorf("noise changed events (-quiet +noisy):\n%s", diff)
		}
	})
}

// noisy puts jobs, flushes and entries of an unrelated unit between the lines. Its ids
// are high, as those of jobs made later are; its entries keep the journal's order.
func noisy(rec []enrich.Observation) []enrich.Observation {
	var out []enrich.Observation
	var last int64
	for i, o := range rec {
		out = append(out, o)
		if o.Kind == enrich.KindEntry && o.Entry.Source == enrich.SourceManager {
			last = max(last, o.Entry.Time)
		}
		if i < 6 || i%3 != 0 {
			continue
		}
		unit, id := fmt.Sprintf("noise%d.service", i%7), uint32(1<<20+i)
		at := enrich.Observation{Time: o.Time, Mono: o.Mono, Unit: unit}
		add := func(k enrich.Kind, f func(*enrich.Observation)) {
			n := at
			n.Kind = k
			f(&n)
			out = append(out, n)
		}
		add(enrich.KindUnit, func(n *enrich.Observation) {
			n.State = enrich.State{Active: "active", Sub: "running", Changed: 1, ActiveEnter: 1}
		})
		add(enrich.KindJobNew, func(n *enrich.Observation) { n.Job.ID = id })
		add(enrich.KindJobRemoved, func(n *enrich.Observation) { n.Job = enrich.Job{ID: id, Result: "done"} })
		if last != 0 {
			add(enrich.KindEntry, func(n *enrich.Observation) {
				n.Unit = ""
				n.Entry = enrich.Entry{Source: enrich.SourceManager, Time: last, Unit: unit, Message: unit + ": Consumed 1ms CPU time.", MessageID: enrich.MsgResources}
			})
		}
	}
	return out
}

// TestDelay: journal entries that come late, but within the deadline, change nothing.
func TestDelay(t *testing.T) {
	eachRecording(t, func(t *testing.T, rec []enrich.Observation) {
		want := saying(simulate(rec))
		for seed := range uint64(3) {
			if diff := cmp.Diff(want, saying(simulate(delayed(rec, seed))), knowsLess); diff != "" {
				t.Errorf("seed %d: late entries changed events (-prompt +late):\n%s", seed, diff)
			}
		}
	})
}

// knowsLess lets a root be absent on one side: in a transaction of a hundred jobs the
// way to it can be read to its end only while its middle is still waiting.
var knowsLess = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Root" },
	cmp.Comparer(func(a, b string) bool { return a == b || a == "" || b == "" }))

// late is how much later an entry may come: the deadline less what is spent already.
const late = 150_000

// delayed moves the entries to later, each by its own time, in their own order.
func delayed(rec []enrich.Observation, seed uint64) []enrich.Observation {
	r := rand.New(rand.NewPCG(seed, 1))
	out := slices.Clone(rec)
	var last int64
	for i, o := range out {
		if o.Kind == enrich.KindEntry {
			d := r.Int64N(late)
			last = max(last, o.Mono+d)
			out[i].Time += last - o.Mono
			out[i].Mono = last
		}
	}
	slices.SortStableFunc(out, func(a, b enrich.Observation) int { return int(a.Mono - b.Mono) })
	return out
}

// TestWithoutJournal: with less evidence a verdict gets no more specific: it stays, it
// becomes unknown, or an end that a client caused is told as the end it was.
func TestWithoutJournal(t *testing.T) {
	eachRecording(t, func(t *testing.T, rec []enrich.Observation) {
		full := saying(simulate(rec))
		for key, s := range saying(simulate(without(rec, enrich.KindEntry, enrich.WitnessJournal))) {
			if f := full[key]; slices.Contains(f.Missing, "config") || slices.Contains(f.Missing, "relation") {
				continue // the recording ends before its configuration was read: waiting longer may tell more
			}
			if f, ok := full[key]; ok && s.Cause != f.Cause && s.Cause != string(enrich.CauseUnknown) {
				t.Errorf("%s: %s with the journal, %s without", key, f.Cause, s.Cause)
			}
		}
	})
}

func without(rec []enrich.Observation, kind enrich.Kind, witness string) []enrich.Observation {
	return slices.DeleteFunc(slices.Clone(rec), func(o enrich.Observation) bool {
		return o.Kind == kind || o.Kind == enrich.KindWitness && o.Witness.Name == witness
	})
}

// TestTruncated: a recording that ends anywhere replays as far as it goes.
func TestTruncated(t *testing.T) {
	eachRecording(t, func(t *testing.T, rec []enrich.Observation) {
		for n := 1; n < len(rec); n++ {
			if n < 40 || n%7 == 0 {
				simulate(rec[:n])
			}
		}
	})
}
