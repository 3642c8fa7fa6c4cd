package enrich

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// read feeds an entry whose cursor is its number.
func (t *teller) read(n int, e Entry) {
	e.Cursor = strconv.Itoa(n)
	t.entry(e)
}

// TestPlace: a restart begins before the first entry of whatever is not told.
func TestPlace(t *testing.T) {
	const unit = "a.service"
	const died, failed = "a.service: Main process exited, code=exited, status=1/FAILURE", "a.service: Failed with result 'exit-code'."
	removed := func(t *teller, id uint32) {
		t.say(Observation{Kind: KindJobRemoved, Unit: unit, Job: Job{ID: id, Result: "done"}})
		t.wait(1_000_000)
	}
	tests := []struct {
		name string
		play func(*teller)
		want string
	}{
		{"nothing waits", func(t *teller) {}, "1"},
		{"a job whose JobRemoved is on its way", func(t *teller) {
			t.read(2, Entry{Unit: unit, Job: 9, JobType: "start", MessageID: MsgStarting, Invocation: "run"})
			t.read(3, Entry{Unit: "b.service", Message: "b.service: something else"})
			t.read(4, Entry{Unit: unit, Job: 9, JobType: "start", JobResult: "done", MessageID: MsgStarted, Invocation: "run"})
		}, "1"},
		{"a job that is told", func(t *teller) {
			t.read(2, Entry{Unit: unit, Job: 9, JobType: "start", MessageID: MsgStarting, Invocation: "run"})
			t.read(3, Entry{Unit: unit, Job: 9, JobType: "start", JobResult: "done", MessageID: MsgStarted, Invocation: "run"})
			removed(t, 9)
		}, "3"},
		{"a job that is told, around one that is not", func(t *teller) {
			t.read(2, Entry{Unit: unit, Job: 9, JobType: "start", MessageID: MsgStarting, Invocation: "run"})
			t.read(3, Entry{Unit: "b.target", Job: 8, JobType: "start", JobResult: "done", MessageID: MsgStarted})
			t.read(4, Entry{Unit: unit, Job: 9, JobType: "start", JobResult: "done", MessageID: MsgStarted, Invocation: "run"})
			removed(t, 9)
		}, "1"},
		{"a process that has just died", func(t *teller) {
			t.read(2, Entry{Unit: unit, MessageID: MsgProcessExit, Invocation: "run", ExitCode: "exited", ExitStatus: "1", Message: died})
			t.read(3, Entry{Message: "of no unit"})
		}, "1"},
		{"a run that waits for word of the bus", func(t *teller) {
			t.read(2, Entry{Unit: unit, MessageID: MsgProcessExit, Invocation: "run", ExitCode: "exited", ExitStatus: "1", Message: died})
			t.read(3, Entry{Unit: unit, MessageID: MsgFailureResult, Invocation: "run", Result: "exit-code", Message: failed})
			t.read(4, Entry{Message: "of no unit"})
		}, "1"},
		{"a run that is told, and what came after", func(t *teller) {
			t.read(2, Entry{Unit: unit, MessageID: MsgFailureResult, Invocation: "run", Result: "exit-code", Message: failed})
			t.read(3, Entry{Unit: unit, Message: "a.service: Triggering OnFailure= dependencies."})
			t.wait(1_000_000)
		}, "3"},
		{"a restart that is scheduled", func(t *teller) {
			t.read(2, Entry{Unit: unit, MessageID: MsgRestartScheduled, Message: "a.service: Scheduled restart job, restart counter is at 1."})
			t.read(3, Entry{Message: "of no unit"})
		}, "1"},
		{"the restart itself, not told", func(t *teller) {
			t.read(2, Entry{Unit: unit, MessageID: MsgRestartScheduled, Message: "a.service: Scheduled restart job, restart counter is at 1."})
			t.read(3, Entry{Unit: unit, Job: 9, JobType: "start", JobResult: "done", MessageID: MsgStarted, Invocation: "run"})
		}, "1"},
		{"a job that goes on", func(t *teller) {
			t.read(2, Entry{Unit: unit, Job: 9, JobType: "start", MessageID: MsgStarting, Invocation: "run"})
			t.wait(openFor - 5000)
		}, "1"},
		{"a job that goes on for long", func(t *teller) {
			t.read(2, Entry{Unit: unit, Job: 9, JobType: "start", MessageID: MsgStarting, Invocation: "run"})
			t.wait(openFor)
		}, "2"},
		{"the end of such a job", func(t *teller) {
			t.read(2, Entry{Unit: unit, Job: 9, JobType: "start", MessageID: MsgStarting, Invocation: "run"})
			t.wait(openFor)
			t.say(Observation{Kind: KindTick})
			t.c.Place()
			t.read(3, Entry{Unit: unit, MessageID: MsgProcessExit, Invocation: "run", ExitCode: "exited", ExitStatus: "1", Message: died})
			t.read(4, Entry{Unit: unit, Job: 9, JobType: "start", JobResult: "failed", MessageID: MsgFailed, Invocation: "run"})
		}, "2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			teller := tell()
			teller.read(1, Entry{Message: "of no unit"})
			tt.play(teller)
			teller.say(Observation{Kind: KindTick})
			if got := teller.c.Place(); got != tt.want {
				t.Errorf("a restart goes on after %q, want %q", got, tt.want)
			}
		})
	}
}

// TestPlaceMovesOn: in a stream in which always something waits, it stays close behind; and
// where one job goes on for long, little is kept of the others.
func TestPlaceMovesOn(t *testing.T) {
	tt := tell()
	unit := func(i int) string { return fmt.Sprintf("u%d.target", i%100) }
	for i := 1; i <= 5000; i++ {
		tt.read(i, Entry{Unit: unit(i), Job: uint32(i), JobType: "start", JobResult: "done", MessageID: MsgStarted})
		if i > 3 {
			tt.say(Observation{Kind: KindJobRemoved, Unit: unit(i - 3), Job: Job{ID: uint32(i - 3), Result: "done"}})
			tt.say(Observation{Kind: KindConfig, Unit: unit(i - 3)})
		}
		if at, _ := strconv.Atoi(tt.c.Place()); i < 3000 && i-at > 1000 {
			t.Fatalf("after entry %d a restart goes on after %d", i, at)
		}
		if i == 3000 {
			tt.read(i, Entry{Unit: "long.service", Job: 9999, JobType: "start", MessageID: MsgStarting})
		}
		if n := len(tt.c.marks); n > 1000 {
			t.Fatalf("%d marks are kept after entry %d", n, i)
		}
	}
}

// TestPlaceLosesNothing kills sdwhy at every place that it would save, in every recording:
// what it told until then, and what it tells after a restart, is all that it tells of the whole.
func TestPlaceLosesNothing(t *testing.T) {
	paths, err := filepath.Glob("../integration/testdata/corpus/*/*.jsonl")
	if err != nil || len(paths) < 100 {
		t.Fatalf("%d recordings: %v", len(paths), err)
	}
	cuts := 0
	for _, path := range paths {
		if strings.HasSuffix(path, ".want.jsonl") {
			continue
		}
		s := &stream{rec: recording(t, path)}
		t.Run(strings.TrimPrefix(path, "../integration/testdata/corpus/"), func(t *testing.T) { cuts += s.cuts(t) })
	}
	if cuts < 1000 {
		t.Errorf("only %d cuts", cuts)
	}
}

// A stream is a recording to be cut.
type stream struct {
	rec   []Observation
	whole map[string]Event // what is told of it live, by id
	alone map[string]Event // what is told of its entries, where the bus was away
}

func (s *stream) cuts(t *testing.T) (n int) {
	s.whole, s.alone = map[string]Event{}, s.goOn("", len(s.rec))
	c := New(s.rec[0].Options)
	for _, o := range s.rec {
		note(s.whole, c.Observe(o))
	}
	c = New(s.rec[0].Options)
	told, place := map[string]Event{}, ""
	for i, o := range s.rec {
		note(told, c.Observe(o))
		now := c.Place()
		if now == place {
			continue
		}
		if s.at(now) < s.at(place) {
			t.Errorf("the place goes back at %d", i)
		}
		place = now
		n++
		for _, bus := range []int{i + 1, len(s.rec)} {
			s.check(t, i, bus, told, s.goOn(place, bus))
		}
	}
	last := s.rec[len(s.rec)-1]
	for range 2 { // what one makes late, the other tells
		c.Due(last.Time+2*openFor, last.Mono+2*openFor)
	}
	if at, end := s.at(c.Place()), s.at(c.cursor); at != end {
		t.Errorf("when all is told, a restart goes on at %d, want %d", at, end)
	}
	return n
}

func note(told map[string]Event, events []Event) {
	for _, e := range events {
		told[e.ID] = e
	}
}

// at is where a cursor stands in the recording, -1 for nowhere.
func (s *stream) at(cursor string) int {
	return slices.IndexFunc(s.rec, func(o Observation) bool { return cursor != "" && o.Entry.Cursor == cursor })
}

// goOn is what a sdwhy tells that goes on at a place, and hears the bus from an observation on.
func (s *stream) goOn(place string, bus int) map[string]Event {
	c, told, now := New(s.rec[0].Options), map[string]Event{}, s.rec[bus-1]
	say := func(o Observation) { note(told, c.Observe(o)) }
	say(Observation{Kind: KindStart, Time: now.Time, Mono: now.Mono, Host: s.host(bus)})
	for _, name := range []string{WitnessProc, WitnessBus} {
		say(Observation{Kind: KindWitness, Time: now.Time, Mono: now.Mono, Witness: Witness{Name: name, Up: true}})
	}
	for i := s.at(place) + 1; i < bus; i++ {
		if o := s.rec[i]; o.Kind == KindEntry {
			o.Time, o.Mono = now.Time, now.Mono
			say(o)
		}
	}
	say(Observation{Kind: KindWitness, Time: now.Time, Mono: now.Mono, Witness: Witness{Name: WitnessJournal, Up: true}})
	for _, o := range s.rec[bus:] {
		say(o)
		now = o
	}
	for wait := int64(0); wait <= 2*orphanWait; wait += 100_000 {
		note(told, c.Due(now.Time+wait, now.Mono+wait))
	}
	return told
}

// host is what the bus says of itself at an observation.
func (s *stream) host(at int) (h Host) {
	for _, o := range s.rec[:at] {
		if o.Kind == KindStart {
			h = o.Host
		}
		if o.Kind == KindStartup || o.Entry.MessageID == MsgStartupFinished || o.Entry.MessageID == MsgUserStartup {
			h.Finished = 1
		}
	}
	return h
}

// check compares what is told before and after a cut at i with the whole. Where the bus comes
// back after all is over, the journal alone tells the same with the cut as without.
func (s *stream) check(t *testing.T, i, bus int, before, after map[string]Event) {
	t.Helper()
	for id, e := range s.whole {
		_, logged := s.alone[id]
		if before[id].ID == "" && after[id].ID == "" && (logged || s.removed(e) >= bus) {
			t.Errorf("cut at %d, bus at %d: %s of %s is lost", i, bus, e.Action, e.Unit)
		}
	}
	for id, e := range after {
		whole, alone := s.whole[id], s.alone[id]
		if whole.ID == "" && alone.ID == "" {
			t.Errorf("cut at %d, bus at %d: %s of %s is made up", i, bus, e.Action, e.Unit)
		}
		if bus < len(s.rec) || alone.ID == "" || before[id].ID != "" {
			continue
		}
		if got, want := ending(e), ending(alone); got != want && got != ending(whole) {
			t.Errorf("cut at %d: %s is told as %q, want %q", i, e.Unit, got, want)
		}
		if e.Cause != CauseUnknown && e.Cause != alone.Cause && e.Cause != whole.Cause {
			t.Errorf("cut at %d: %s of %s is claimed to be %s, and is %s", i, e.Action, e.Unit, e.Cause, cmp.Or(whole.Cause, alone.Cause))
		}
	}
}

// removed is where the bus tells of a job's end, -1 for nowhere.
func (s *stream) removed(e Event) int {
	return slices.IndexFunc(s.rec, func(o Observation) bool {
		return o.Kind == KindJobRemoved && e.Job != nil && o.Job.ID == e.Job.ID
	})
}
