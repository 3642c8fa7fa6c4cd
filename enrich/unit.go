package enrich

import "strings"

// unit is what is remembered of one unit.
type unit struct {
	name       string
	state      State
	process    Process
	known      bool  // state is from a flush or listing
	touched    int64 // mono of when something last happened to it
	config     Config
	configured bool
	stale      bool  // the unit was unloaded since: another load may read another configuration
	goneAt     int64 // mono of when, for the last time
	asked      bool  // its configuration was asked for since the last reload
	// triggers and triggersAsked are the same of what it triggers alone.
	triggers, triggersAsked bool
	// The instant that it last left the active state, and the job slot's id then.
	left unitLeft
	// endSeen is the mono time of the last end of a run that was looked at.
	endSeen   int64
	last      ended // how its last run ended
	runStart  int64 // source time of the entry that told of its run's start, µs
	runID     string
	read      uint64   // its entries so far
	stretch   *stretch // that the last of them is of
	loose     []Entry  // entries without a job since the last boundary
	looseFrom uint64   // which of its entries is the first of those that proves something, 0 for none
	newestJob uint32   // highest job id in its entries: they come in order, so older jobs have had theirs
	run       *job     // the job that the journal says is running on it
	schedule  *Entry   // a restart that was scheduled and has no job yet
	schedFrom uint64   // which of its entries that is
	jobs      []*job   // its last jobs, oldest first
	// collectedAt is when systemd unloaded it while it was failed, CLOCK_REALTIME, until told.
	collectedAt int64
	restarts    []int64
	crashes     []int64
	exits       []*exit // its runs that are being judged, oldest first
}

type unitLeft struct {
	at   int64 // ActiveExitTimestampMonotonic
	job  uint32
	from string // the ActiveState it left
	sub  string // the SubState likewise
	to   string // the ActiveState it left for
}

// ended is how a run ended.
type ended struct {
	cause      Cause
	failure    string
	exit       *Exit
	time       int64 // CLOCK_REALTIME, µs
	mono       int64
	invocation string
	underJob   bool // the run failed under its own start job
	evidence   []Evidence
}

const keptJobs = 4

func (c *Correlator) unit(name string) *unit {
	if u, ok := c.units.Get(name); ok {
		return u
	}
	u := &unit{name: strings.Clone(name)} // not the entry that it is a part of
	c.units.Add(u.name, u)
	return u
}

// peek gives a unit only if it is known; it does not count as a use.
func (c *Correlator) peek(name string) *unit {
	u, _ := c.units.Peek(name)
	return u
}

func (u *unit) busy() bool {
	for _, j := range u.jobs {
		if !j.told {
			return true
		}
	}
	return len(u.exits) > 0 || u.schedule != nil || isWaitingRestart(u.state.Sub)
}

// kind is a unit's type: the last part of its name.
func kind(unit string) string {
	return unit[strings.LastIndexByte(unit, '.')+1:]
}

// isUp says whether an ActiveState means that a run is under way and had started.
func isUp(active string) bool {
	return active == "active" || active == "reloading" || active == "refreshing"
}

func isDown(active string) bool { return active == "inactive" || active == "failed" }

// isWaitingRestart knows the sub-states from which systemd restarts a service by
// itself (252: auto-restart; 254+ the others; evidence §6.3).
func isWaitingRestart(sub string) bool {
	switch sub {
	case "auto-restart", "auto-restart-queued", "failed-before-auto-restart", "dead-before-auto-restart":
		return true
	}
	return false
}

// unitChanged takes in one flush. The order of signals is the order of events
// for one unit; between units it means nothing (evidence §2.2).
func (c *Correlator) unitChanged(o Observation) {
	u := c.unit(o.Unit)
	if u.stale && u.state.Job == 0 {
		c.refresh(u)
	}
	was := *u
	if o.Process.Iface != "" {
		u.process = o.Process
	}
	if o.State.Active == "" {
		return
	}
	u.state, u.known = o.State, true
	c.boot.noteChanged(o.Unit)
	if !isUp(o.State.Active) {
		c.unplug(u.name)
	}
	if isUp(was.state.Active) && !isUp(o.State.Active) || !was.known && o.State.ActiveExit > c.busSince() && c.live() {
		u.left = unitLeft{o.State.ActiveExit, o.State.Job, was.state.Active, was.state.Sub, o.State.Active}
	}
	if was.state.Active != o.State.Active {
		c.touch(u)
	}
	if isTrigger(u.name) && isUp(u.state.Active) {
		c.wantTriggers(u)
	}
	c.noteFiring(u, was, o)
	c.noteJob(u, was)
	c.noteEnd(u, was)
	c.noteReset(u, was)
	c.noteRestartWord(u)
}

func (c *Correlator) unitRemoved(o Observation) {
	c.unplug(o.Unit)
	u := c.peek(o.Unit)
	if u == nil || c.reloading {
		return
	}
	if u.known && u.state.Active == "failed" && u.state.Job == 0 {
		u.collectedAt = o.Time
		c.collect(u)
	}
	for _, j := range u.jobs {
		if !j.told && j.removed && !j.endKnown { // only what is inactive is unloaded
			j.end, j.endKnown = State{Active: "inactive", Sub: "dead"}, true
		}
	}
	u.stale = true // its state and configuration still explain what follows from its end
	u.goneAt = o.Mono
	c.gone = append(c.gone, &leaving{u, o.Mono})
}

// collect tells that systemd forgot a unit while it was failed, once its failure is told:
// only CollectMode=inactive-or-failed does that, and "systemd-run --collect" sets it. A
// client's reset-failed changes the state first (unit_may_gc, unit.c).
func (c *Correlator) collect(u *unit) {
	if u.collectedAt == 0 || u.busy() {
		return
	}
	e := c.resetEvent(u, u.state.Changed+1, u.collectedAt)
	u.collectedAt = 0
	e.Cause, e.Missing = CauseUnknown, []string{"history"}
	if u.last.cause != "" {
		e.Cause, e.Missing = u.last.cause, nil
	}
	e.Evidence = []Evidence{{Source: "dbus", Says: u.name + " was unloaded while it was failed: its CollectMode= is inactive-or-failed"}}
	c.dress(&e, u, false)
	c.emit(e)
}

// refresh drops configuration that may have changed since it was read, once no job
// waits to be judged by it.
func (c *Correlator) refresh(u *unit) {
	if u.stale && !u.busy() {
		u.state, u.process, u.known = State{}, Process{}, false
		c.dropConfig(u)
		u.stale = false
	}
}

// noteReset finds a failed unit that was cleared without a job: its state
// changes, but it does not enter the inactive states anew (unit_notify, unit.c).
func (c *Correlator) noteReset(u *unit, was unit) {
	if !was.known || was.state.Active != "failed" || u.state.Active != "inactive" {
		return
	}
	if u.state.Job == 0 && was.state.Job == 0 && u.state.Changed > u.state.InactiveEnter {
		c.reset(u, u.state.Changed)
	}
}

// listing tells how things stand at a (re)connect or after a reload. Only what
// is known already, or is out of the ordinary, is kept. What triggers what is asked for
// ahead of time: when a timer fires there is often much to do, and PID 1 answers last.
func (c *Correlator) listing(o Observation) {
	open := map[uint32]bool{}
	c.boot.noteListing()
	for _, l := range o.Listing {
		if l.Job != 0 {
			open[l.Job] = true
			c.listedJob(l, o.Mono)
		}
		c.boot.noteUp(l)
		if isTrigger(l.Unit) && isUp(l.Active) {
			c.wantTriggers(c.unit(l.Unit))
		}
		u := c.peek(l.Unit)
		if u == nil && (l.Job != 0 || !plain(l)) {
			u = c.unit(l.Unit)
		}
		if u != nil {
			c.listed(u, l)
		}
	}
	c.closeVanished(open)
	c.boot.listed = true
}

// plain is a unit at rest, of which the next flush tells everything.
func plain(l Listed) bool { return l.Active == "active" || l.Active == "inactive" }

func (c *Correlator) listed(u *unit, l Listed) {
	if u.known && (u.state.Active != l.Active || u.state.Sub != l.Sub) {
		// It changed while nobody looked: the timestamps that we hold are of another state.
		u.state = State{Invocation: u.state.Invocation}
	}
	u.state.Active, u.state.Sub, u.state.Job, u.known = l.Active, l.Sub, l.Job, true
}
