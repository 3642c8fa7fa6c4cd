package enrich

import (
	"cmp"
	"slices"
)

// exit is a run that has ended, perhaps outside a job, and is being judged.
type exit struct {
	unit       *unit
	invocation string
	seenAt     int64 // mono of the first word of it
	end        int64 // mono of the end itself, 0 from the journal
	endTime    int64 // CLOCK_REALTIME of the end
	wordTime   int64 // CLOCK_REALTIME of the first word of it on the bus
	fromBus    bool
	state      State
	process    Process
	left       unitLeft
	started    int64   // mono of its becoming active, 0 unknown
	startTime  int64   // the same from the journal, CLOCK_REALTIME
	closing    *Entry  // its Failed with result or Deactivated successfully
	loose      []Entry // that and the entries before it
	from       uint64  // which of the unit's entries is the first of those, 0 for none
	restart    *bool   // will systemd restart it by itself
	logAsked   bool
	log        *Log
	next       bool // in the past: the unit's next entry has been read
	inReload   bool // in the past: a reload was running
	dropped    bool // it ended under its own start job after all
}

// noteEnd finds the end of a run in a flush: the timestamps that it carries tell
// whether the run had become active, so nothing needs to have been seen before.
func (c *Correlator) noteEnd(u *unit, was unit) {
	s := u.state
	if !isDown(s.Active) && !isWaitingRestart(s.Sub) {
		return
	}
	end := s.InactiveEnter
	if !isDown(s.Active) { // RestartMode=direct never passes through inactive
		end = s.ActiveExit
	}
	if s.ActiveEnter == 0 || s.ActiveEnter < s.InactiveExit || end < s.ActiveEnter {
		c.dropExit(u) // it never became active: its start job tells
		if was.known && !isDown(was.state.Active) {
			c.over.Add(cmp.Or(was.state.Invocation, s.Invocation), struct{}{})
		}
		return
	}
	if end <= u.endSeen {
		return
	}
	u.endSeen = end
	if end < c.busSince() {
		return // it ended before sdwhy looked
	}
	c.runOver(u, was, end)
}

func (c *Correlator) runOver(u *unit, was unit, end int64) {
	id := u.state.Invocation
	if isUp(was.state.Active) && was.state.Invocation != "" {
		id = was.state.Invocation
	}
	c.over.Add(id, struct{}{})
	if u.left.at != u.state.ActiveExit { // it was leaving before it was looked at
		u.left = unitLeft{u.state.ActiveExit, cmp.Or(u.state.Job, was.state.Job), "", "", was.state.Active}
	}
	x := c.exitFor(u, id)
	x.fromBus, x.end, x.wordTime = true, end, c.time
	x.endTime = u.state.ChangedTime - (u.state.Changed - end)
	x.state, x.process, x.left = u.state, u.process, u.left
	x.started = u.state.ActiveEnter
	if x.left.job == 0 { // else it most likely ended by that job, of which nothing more need be known
		c.wantConfig(u)
	}
	c.takeQuiet(u)
	c.noteRestartWord(u)
}

// dropExit takes back what the journal alone made of a run that ended under its start job.
func (c *Correlator) dropExit(u *unit) {
	if x := u.lastExit(); x != nil && !x.fromBus && !isWaitingRestart(u.state.Sub) {
		x.dropped = true
		c.judge(x)
	}
}

// exitFor gives the judgement of a unit's run, begun by the bus or by the journal.
func (c *Correlator) exitFor(u *unit, invocation string) *exit {
	if x := u.exitOf(invocation); x != nil {
		return x
	}
	if x := u.lastExit(); x != nil {
		x.next = true // it goes on waiting for its entries: the unit can have ended again before they come
	}
	x := &exit{unit: u, invocation: invocation, seenAt: max(c.mono, 1)}
	if u.runID == invocation {
		x.startTime = u.runStart
	}
	u.exits = append(u.exits, x)
	c.exits = append(c.exits, x)
	return x
}

// exitOf finds the judgement of a unit's run, nil if there is none.
func (u *unit) exitOf(invocation string) *exit {
	for _, x := range slices.Backward(u.exits) {
		if x.invocation == invocation || x.invocation == "" && x == u.lastExit() {
			return x
		}
	}
	return nil
}

// lastExit is the unit's newest run that is being judged, nil for none.
func (u *unit) lastExit() *exit {
	if n := len(u.exits); n > 0 {
		return u.exits[n-1]
	}
	return nil
}

// runEnded is the journal's word that a run is over, with a failure or without.
func (c *Correlator) runEnded(u *unit, e Entry) {
	if looseLike(u.loose, isStartLimit) != nil {
		return // refused: the id is that of the run before
	}
	inReload := u.run != nil && u.run.reloads()
	x := u.exitOf(e.Invocation)
	if last := u.lastExit(); x == nil && e.Invocation == "" && last != nil && last.fromBus {
		x = last
	}
	switch {
	case u.run != nil && !inReload:
		return // under its own start job, or its stop
	case x != nil:
		x.take(e)
		return
	case e.Invocation == "":
		return
	case c.over.Contains(e.Invocation):
		if c.exitTold(e.Invocation) {
			u.takeLoose() // too late for it, and not the next job's
		}
		return
	}
	x = c.exitFor(u, e.Invocation)
	c.wantConfig(u)
	x.endTime, x.inReload = e.Time, inReload
	x.take(e)
	if !c.covers(e.Time) {
		c.over.Add(e.Invocation, struct{}{})
	}
}

// take moves the unit's loose entries to the run that they tell the end of.
func (x *exit) take(e Entry) {
	loose, from := x.unit.takeLoose()
	x.closing, x.loose, x.from = &e, loose, earlier(x.from, from)
}
