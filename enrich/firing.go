package enrich

import (
	"cmp"
	"slices"
)

// firing is a trigger unit beginning to run.
type firing struct {
	unit  string
	seq   uint64
	mono  int64
	at    int64    // when the unit itself says that it changed, mono
	taken []string // units whose job it has explained
}

// firings are those of the last seconds.
type firings struct {
	all    []*firing            // the oldest first
	of     map[string][]*firing // by the unit that fired
	unread map[string][]*firing // of units of which it was not known then what they trigger, by their kind
	lostAt int64                // mono of the newest that had to be forgotten too early
}

const (
	// firingKept is how long firings are kept, µs: a job may wait for a second and more for the
	// configuration that links it to one.
	firingKept = 5_000_000
	// keptFirings bounds them. A start that comes when there are more may have been triggered.
	keptFirings = 8192
)

// noteFiring remembers a timer, path, socket or automount that begins to run. Its
// flush comes just before the JobNew of what it triggers (evidence §9, measured).
func (c *Correlator) noteFiring(u *unit, was unit, o Observation) {
	if !isTrigger(u.name) {
		return
	}
	began := u.state.Sub == "running" && (was.known && was.state.Sub != "running" ||
		!was.known && o.Mono-u.state.Changed < nearby && u.state.Changed > 0)
	// A path whose condition still holds fires anew without leaving that state (path_enter_waiting, path.c).
	anew := kind(u.name) == "path" && u.state.Sub == "running" && was.known && was.state.Changed != 0 && u.state.Changed > was.state.Changed
	again := u.process.LastTrigger != 0 && was.process.LastTrigger != u.process.LastTrigger && o.Mono-u.process.LastTrigger < nearby
	if !began && !again && !anew {
		return
	}
	f := &firing{unit: u.name, seq: c.seq, mono: o.Mono, at: u.state.Changed}
	c.fired.add(f)
	if !u.triggers {
		c.fired.unread[kind(u.name)] = append(c.fired.unread[kind(u.name)], f)
		c.wantTriggers(u)
	}
}

func (s *firings) add(f *firing) {
	for len(s.all) > 0 && f.mono-s.all[0].mono > firingKept {
		s.forget()
	}
	if len(s.all) >= keptFirings {
		s.lostAt = s.all[0].mono
		s.forget()
	}
	s.all = append(s.all, f)
	s.of[f.unit] = append(s.of[f.unit], f)
}

func newFirings() firings {
	return firings{of: map[string][]*firing{}, unread: map[string][]*firing{}}
}

// forget drops the oldest.
func (s *firings) forget() {
	f := s.all[0]
	s.all = rest(s.all)
	if s.of[f.unit] = s.of[f.unit][1:]; len(s.of[f.unit]) == 0 {
		delete(s.of, f.unit)
	}
	s.read(func(g *firing) bool { return g == f })
}

// read takes out of the unread what is known now.
func (s *firings) read(known func(*firing) bool) {
	for kind, unread := range s.unread {
		s.unread[kind] = slices.DeleteFunc(unread, known)
	}
}

// before gives the newest firing of a unit that may explain a job.
func (s *firings) before(unit string, j *job) *firing {
	for _, f := range slices.Backward(s.of[unit]) {
		switch {
		case f.seq > j.seq:
		case j.firstAt-f.mono > nearby:
			return nil
		case !slices.Contains(f.taken, j.unit.name) && f.at >= j.before.InactiveEnter: // else it fired for, or because of, the run before
			return f
		}
	}
	return nil
}

// mayHave says whether one of the unread may have fired for a job.
func (s *firings) mayHave(j *job) bool {
	for trigger, unread := range s.unread {
		i, _ := slices.BinarySearchFunc(unread, j.seq+1, func(f *firing, seq uint64) int { return cmp.Compare(f.seq, seq) })
		if i > 0 && j.firstAt-unread[i-1].mono <= nearby && mayTrigger(trigger, kind(j.unit.name)) {
			return true
		}
	}
	return false
}

// mayTrigger knows which kinds of units a trigger can be for: a timer's and a path's are any but
// their own (config_parse_trigger_unit, load-fragment.c).
func mayTrigger(trigger, kind string) bool {
	switch trigger {
	case "socket":
		return kind == "service"
	case "automount":
		return kind == "mount"
	}
	return kind != trigger
}

// firedFor finds the newest trigger that fired for a job's unit just before the job came, and that
// no other job of the unit came of. Where there is none, unread says that one may have:
// neither what it triggers nor the unit's configuration is known.
func (c *Correlator) firedFor(j *job) (found *firing, unread bool) {
	if j.firstAt == 0 || len(c.fired.all) == 0 {
		return nil, false
	}
	var seq uint64
	for _, name := range c.linked(j.unit, "TriggeredBy") {
		if f := c.fired.before(name, j); f != nil && f.seq > seq {
			found, seq = f, f.seq
		}
	}
	return found, found == nil && !j.unit.configured && c.fired.mayHave(j)
}

// takeFiring: one firing explains one job of a unit.
func (c *Correlator) takeFiring(j *job, w *why) {
	if w.rule != "trigger" || w.trigger == nil {
		return
	}
	if f := c.fired.before(w.trigger.Unit, j); f != nil {
		f.taken = append(f.taken, j.unit.name)
	}
}

// firingsLost says whether a trigger that fired for a job may have been forgotten.
func (c *Correlator) firingsLost(j *job) bool {
	return c.fired.lostAt != 0 && j.firstAt-c.fired.lostAt <= nearby && c.startsSomething(j)
}
