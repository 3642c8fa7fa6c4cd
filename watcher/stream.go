package watcher

import (
	"context"
	"time"

	"sdwhy/enrich"
)

// flushGap is how long the type's half of a unit's flush waits for the Unit's half,
// which systemd sends right after it (src/core/dbus-unit.c send_changed_signal).
const flushGap = 20 * time.Millisecond

// maxSpare is the largest buffer, in items, that is kept after a burst.
const maxSpare = 1 << 14

// A stream is the emit goroutine's state: it turns the queue into observations.
type stream struct {
	w    *Watcher
	q    *queue
	emit func(enrich.Observation)

	host    enrich.Host
	started bool
	up      bool
	told    bool // the bus witness has been spoken of

	link    *link
	reload  bool // the last word was that the manager reloads
	unheard bool // and that it ended may have been missed

	half   *flush // a type's PropertiesChanged, waiting for the Unit's
	halfAt stamp
}

// run deals with the queue until ctx ends, then with what is left in it.
func (s *stream) run(ctx context.Context) {
	var spare []item
	for {
		items := s.q.take(spare)
		for i := range items {
			s.take(items[i])
			items[i] = item{}
			s.q.told(1)
		}
		if spare = items; cap(spare) > maxSpare {
			spare = nil
		}
		if len(items) == 0 && !s.wait(ctx) {
			s.flushHalf()
			return
		}
	}
}

// wait waits for more, at most flushGap where half a flush is held. It reports
// whether to go on.
func (s *stream) wait(ctx context.Context) bool {
	var late <-chan time.Time
	if s.half != nil {
		t := time.NewTimer(flushGap)
		defer t.Stop()
		late = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-late:
		s.flushHalf()
	case <-s.q.wake:
	}
	return true
}

// take deals with one item.
func (s *stream) take(it item) {
	switch what := it.what.(type) {
	case *flush:
		s.flush(it.at, what)
	case *note:
		s.note(it.at, what)
	case owner:
		s.owner(it.at, what)
	case mark:
		s.mark(it.at, what)
	case gap:
		s.gap(it.at, what)
	case opened:
		s.opened(it.at, what)
	case closed:
		s.closed(it.at, what.err)
	case answer:
		s.answer(it.at, what)
	case enrich.Observation:
		s.say(it.at, what)
	}
}

// say stamps an observation and hands it over.
func (s *stream) say(at stamp, o enrich.Observation) {
	o.Time, o.Mono = at.time, at.mono
	s.emit(o)
}

// gap tells that signals are missing, and makes up for it with a listing.
func (s *stream) gap(at stamp, g gap) {
	s.flushHalf()
	s.unheard = true
	s.say(at, enrich.Observation{Kind: enrich.KindWitness,
		Witness: enrich.Witness{Name: enrich.WitnessBus, Up: s.up, Lost: g.n, Why: g.why}})
	s.resync()
}

// note tells a signal of the Manager.
func (s *stream) note(at stamp, n *note) {
	s.flushHalf()
	s.say(at, enrich.Observation{Kind: n.kind, Unit: n.unit, Job: n.job, Active: n.active})
	if n.kind == enrich.KindReloading {
		s.reloading(n.active)
	}
}

// owner tells that systemd left the bus or came back: a daemon-reexec, or its
// connection broke. What it did meanwhile is not known, as in a reload.
func (s *stream) owner(at stamp, o owner) {
	s.flushHalf()
	gone := o.name == ""
	s.say(at, enrich.Observation{Kind: enrich.KindReloading, Active: gone})
	s.reloading(gone)
}

// reloading makes what was read so far worthless and, once it is over, lists anew.
func (s *stream) reloading(active bool) {
	s.w.epoch.Add(1)
	s.reload, s.unheard = active, false
	if !active {
		s.resync()
	}
}

// flush joins the two halves of a unit's flush.
func (s *stream) flush(at stamp, f *flush) {
	if f.iface != "unit" {
		s.flushHalf()
		s.half, s.halfAt = f, at
		return
	}
	if s.half != nil && s.half.path == f.path {
		f.process, f.process.Iface = s.half.process, s.half.iface
		s.half = nil
	}
	s.flushHalf()
	s.say(at, enrich.Observation{Kind: enrich.KindUnit, Unit: unitOf(f.path), State: f.state, Process: f.process})
}

// flushHalf tells a half that has stayed alone.
func (s *stream) flushHalf() {
	if f := s.half; f != nil {
		s.half = nil
		f.process.Iface = f.iface
		s.say(s.halfAt, enrich.Observation{Kind: enrich.KindUnit, Unit: unitOf(f.path), Process: f.process})
	}
}

// answer tells what was read, or has it read again if the manager reloaded since.
func (s *stream) answer(at stamp, a answer) {
	if a.epoch != s.w.epoch.Load() {
		s.w.ask(a.request)
		return
	}
	s.say(at, a.Observation)
}
