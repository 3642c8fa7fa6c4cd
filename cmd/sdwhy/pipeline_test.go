package main

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

// fakeCorrelator tells a removed job when an entry for it comes, or at a deadline.
type fakeCorrelator struct {
	seen     []enrich.Kind
	waiting  []enrich.Observation
	deadline int64 // µs after JobRemoved
	place    string
}

func (c *fakeCorrelator) Observe(o enrich.Observation) (events []enrich.Event) {
	c.seen = append(c.seen, o.Kind)
	if o.Kind == enrich.KindJobRemoved {
		c.waiting = append(c.waiting, o)
		return nil
	}
	var left []enrich.Observation
	for _, w := range c.waiting {
		if o.Entry.Job == w.Job.ID && o.Kind == enrich.KindEntry || o.Kind == enrich.KindTick && o.Mono >= w.Mono+c.deadline {
			events = append(events, enrich.Event{ID: w.Unit, Unit: w.Unit, Action: "start"})
		} else {
			left = append(left, w)
		}
	}
	c.waiting = left
	if len(left) == 0 && o.Entry.Cursor != "" {
		c.place = o.Entry.Cursor
	}
	return events
}

func (c *fakeCorrelator) Deadline() int64 {
	if len(c.waiting) == 0 {
		return 0
	}
	return c.waiting[0].Mono + c.deadline
}

func (c *fakeCorrelator) Pending() int        { return len(c.waiting) }
func (c *fakeCorrelator) Place() string       { return c.place }
func (c *fakeCorrelator) Wants() enrich.Wants { return enrich.Wants{} }
func (c *fakeCorrelator) Stats() enrich.Stats { return enrich.Stats{} }

// A bench is a pipeline with fakes around it, within a synctest bubble.
type bench struct {
	*pipeline
	bus, journal chan enrich.Observation
	fake         *fakeCorrelator
	out          bytes.Buffer
	kicks        []time.Duration // since the beginning
	offers       []offer
	told         atomic.Int32 // len(offers), to be read while the pipeline runs
	done         chan error
	stop         context.CancelFunc
}

type offer struct {
	Cursor string
	IDs    []string
}

func newBench(t *testing.T, types ...string) *bench {
	t.Helper()
	began := time.Now()
	mono := func() int64 { return 1e6 + time.Since(began).Microseconds() }
	keep, err := newFilter(types, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		bus: make(chan enrich.Observation, sourceBuffer), journal: make(chan enrich.Observation, sourceBuffer),
		fake: &fakeCorrelator{deadline: 250_000}, done: make(chan error, 1),
	}
	out, err := newPrinter(outputText, &b.out, &textStyle{zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	b.pipeline = &pipeline{
		correlator: b.fake, clock: clock{now: mono, mono: mono}, log: slog.New(slog.DiscardHandler),
		bus: b.bus, journal: b.journal, filter: keep, printer: out,
		kicker: newKicker(func() { b.kicks = append(b.kicks, time.Since(began)) }),
		wants:  func(enrich.Wants) {}, begun: func(enrich.Host) {}, calls: make(chan func()),
	}
	b.sinks = append(b.sinks, func(cursor string, events []enrich.Event) {
		o := offer{Cursor: cursor}
		for _, e := range events {
			o.IDs = append(o.IDs, e.ID)
		}
		b.offers = append(b.offers, o)
		b.told.Add(1)
	})
	return b
}

func (b *bench) start() {
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	go func() { b.done <- b.run(ctx) }()
	b.bus <- enrich.Observation{Kind: enrich.KindStart}
}

// end stops the pipeline as watch does, and gives how long that took.
func (b *bench) end(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	b.stop()
	close(b.bus)
	if err := <-b.done; err != nil {
		t.Error(err)
	}
	return time.Since(began)
}

func (b *bench) removed(id uint32, unit string) enrich.Observation {
	return enrich.Observation{Kind: enrich.KindJobRemoved, Mono: b.clock.mono(), Unit: unit, Job: enrich.Job{ID: id}}
}

func entry(id uint32, cursor string) enrich.Observation {
	return enrich.Observation{Kind: enrich.KindEntry, Entry: enrich.Entry{Job: id, Cursor: cursor}}
}

func TestPipelineKicksUntilTheEvidenceIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.start()
		b.bus <- b.removed(1, "a.service")
		time.Sleep(10 * time.Millisecond)
		b.journal <- entry(1, "c1")
		time.Sleep(time.Second)
		b.end(t)
		// At once, after 1 and 5 ms; at 20 ms nothing waits any more.
		want := []time.Duration{0, time.Millisecond, 5 * time.Millisecond}
		if diff := cmp.Diff(want, b.kicks); diff != "" {
			t.Errorf("kicks (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]offer{{"c1", []string{"a.service"}}}, b.offers); diff != "" {
			t.Errorf("offers (-want +got):\n%s", diff)
		}
	})
}

func TestPipelineTicksAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.start()
		b.bus <- b.removed(1, "a.service")
		time.Sleep(249 * time.Millisecond)
		synctest.Wait()
		if n := b.told.Load(); n != 0 {
			t.Errorf("%d told before the deadline", n)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if n := b.told.Load(); n != 1 {
			t.Errorf("%d told at the deadline, want 1", n)
		}
		if diff := cmp.Diff([]time.Duration{0, 1e6, 5e6, 20e6, 50e6, 100e6}, b.kicks); diff != "" {
			t.Errorf("kicks (-want +got):\n%s", diff)
		}
		// Idle: nothing is observed for an hour.
		before := len(b.fake.seen)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(b.fake.seen) - before; n != 0 {
			t.Errorf("%d observations while idle", n)
		}
		b.end(t)
	})
}

func TestPipelineKeepsTheJournalWaitingForTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.journal <- entry(1, "c1")
		b.start()
		synctest.Wait()
		if diff := cmp.Diff([]enrich.Kind{enrich.KindStart, enrich.KindEntry}, b.fake.seen); diff != "" {
			t.Errorf("observed (-want +got):\n%s", diff)
		}
		b.end(t)
	})
}

func TestPipelineStop(t *testing.T) {
	tests := []struct {
		name    string
		waiting bool
		want    time.Duration
	}{
		{"nothing waits", false, 0},
		{"a job waits for its evidence", true, 250 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.start()
				synctest.Wait()
				if tt.waiting {
					b.bus <- b.removed(1, "a.service")
				}
				if took := b.end(t); took != tt.want {
					t.Errorf("stop took %v, want %v", took, tt.want)
				}
				if tt.waiting && len(b.offers) != 1 {
					t.Errorf("the job was not told: %v", b.offers)
				}
			})
		})
	}
}

// TestPipelineStopIsBounded: a source that never ends cannot hold it up for ever.
func TestPipelineStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.start()
		synctest.Wait()
		began := time.Now()
		b.stop() // the bus stays open
		if err := <-b.done; err != nil || time.Since(began) != drainFor {
			t.Errorf("stop took %v (%v), want %v", time.Since(began), err, drainFor)
		}
	})
}

// TestPipelineFiltersOutputOnly: what is not shown is decided all the same.
func TestPipelineFiltersOutputOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "service")
		b.start()
		b.bus <- b.removed(1, "a.service")
		b.bus <- b.removed(2, "b.target")
		synctest.Wait()
		b.journal <- entry(2, "c1")
		b.journal <- entry(1, "c2")
		synctest.Wait()
		b.end(t)
		if diff := cmp.Diff([]offer{{"c2", []string{"a.service"}}}, b.offers); diff != "" {
			t.Errorf("offers (-want +got):\n%s", diff)
		}
		if n := bytes.Count(b.out.Bytes(), []byte("\n")); n != 1 {
			t.Errorf("%d lines printed, want 1", n)
		}
	})
}

// TestPipelineCursorWaitsForEvidence: while a job waits, a restart must not begin behind its entries.
func TestPipelineCursorWaitsForEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.start()
		b.bus <- b.removed(1, "a.service")
		b.bus <- b.removed(2, "b.service")
		synctest.Wait()
		b.journal <- entry(1, "c1")
		synctest.Wait()
		b.journal <- entry(2, "c2")
		synctest.Wait()
		b.end(t)
		want := []offer{{"", []string{"a.service"}}, {"c2", []string{"b.service"}}}
		if diff := cmp.Diff(want, b.offers); diff != "" {
			t.Errorf("offers (-want +got):\n%s", diff)
		}
	})
}

// TestPipelineDoesItsChores: a watchdog is answered by the loop, busy or not.
func TestPipelineDoesItsChores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		answered := 0
		b.chores = []chore{{every: 15 * time.Second, do: func() { answered++ }}}
		b.start()
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		b.end(t)
		if answered != 4 {
			t.Errorf("answered %d times in a minute, want 4", answered)
		}
	})
}

// TestPipelineRecordsWhatItDecidesOn: ticks and start included, in order.
func TestPipelineRecordsWhatItDecidesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		b := newBench(t)
		b.options = enrich.Options{LogLines: 7}
		b.recorder = &recorder{w: bufio.NewWriter(&file), log: b.log}
		b.start()
		b.bus <- b.removed(1, "a.service")
		time.Sleep(time.Second)
		b.end(t)
		var kinds []enrich.Kind
		err := readRecording(&file, func(o enrich.Observation) error {
			if o.Kind == enrich.KindStart && o.Options.LogLines != 7 {
				t.Errorf("the recording lacks the options: %+v", o.Options)
			}
			kinds = append(kinds, o.Kind)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b.fake.seen, kinds); diff != "" {
			t.Errorf("recorded (-observed +recorded):\n%s", diff)
		}
	})
}
