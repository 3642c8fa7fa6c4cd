package watcher

import "sdwhy/enrich"

// opened waits for the new link's first listing, which is on its way or will fail,
// and tells that the bus is followed. Signals wait in the queue meanwhile.
func (s *stream) opened(at stamp, o opened) {
	s.flushHalf()
	s.link, s.unheard = o.link, true
	<-o.first.done
	if o.first.err != nil {
		return
	}
	s.start(at, o.first.host)
	s.up, s.told = true, true
	s.say(at, enrich.Observation{Kind: enrich.KindWitness,
		Witness: enrich.Witness{Name: enrich.WitnessBus, Up: true, Since: o.first.since}})
	s.w.log().Info("following systemd's signals", "systemd", s.host.Systemd, "manager", s.host.Manager)
}

// mark tells a listing at its place among the signals. Only the rest of the reply
// is waited for, or for the calls to fail.
func (s *stream) mark(at stamp, m mark) {
	p := m.listing
	<-p.done
	if p.err != nil || p.seq != m.seq {
		return
	}
	s.flushHalf()
	s.start(at, p.host)
	if s.reload && s.unheard { // a manager that answers does not reload
		s.reload = false
		s.say(at, enrich.Observation{Kind: enrich.KindReloading})
	}
	s.say(at, enrich.Observation{Kind: enrich.KindListing, Listing: p.rows})
}

// resync asks for a listing, one at most waits. One under way may stand before what
// makes this one necessary, so it does not count.
func (s *stream) resync() {
	if s.link == nil {
		return
	}
	select {
	case s.link.resync <- struct{}{}:
	default:
	}
}

// start opens the stream, and again when the manager is not the one it was.
func (s *stream) start(at stamp, h enrich.Host) {
	if s.started && h == s.host {
		return
	}
	first := !s.started
	s.started, s.host = true, h
	s.say(at, enrich.Observation{Kind: enrich.KindStart, Host: h})
	if first {
		s.say(at, enrich.Observation{Kind: enrich.KindWitness, Witness: seeProc(s.w.procDir())})
	}
}

// closed tells, once, that the bus is away.
func (s *stream) closed(at stamp, err error) {
	s.flushHalf()
	if !s.started {
		s.start(at, s.w.local())
	}
	s.link = nil
	s.w.epoch.Add(1) // nobody tells of reloads while the bus is away
	if s.told && !s.up {
		return
	}
	s.up, s.told = false, true
	s.say(at, enrich.Observation{Kind: enrich.KindWitness,
		Witness: enrich.Witness{Name: enrich.WitnessBus, Why: err.Error()}})
	s.w.log().Warn("not following systemd's signals; trying again", "err", err, "hint", s.w.hint(err))
}
