package enrich

import "slices"

// jobReady says whether all evidence on a finished job is in, or no more will come.
func (c *Correlator) jobReady(j *job) bool {
	if !c.live() {
		return c.pastReady(j)
	}
	if c.flushing || c.outOfPatience(j) {
		return true
	}
	if j.unit.owes(j) || slices.ContainsFunc(j.unit.exits, func(x *exit) bool { return x.precedes(j) }) {
		return false // the unit's older jobs, and the run it follows, are told first
	}
	if c.jobLate(j) {
		return true
	}
	if j.result == "canceled" && j.supersededBy == 0 && c.wakeAt(j.removedAt+stateWait) {
		return false // what takes its place is announced right after
	}
	if !j.removed {
		return c.pastReady(j)
	}
	if c.journalUp() && j.closing == nil && c.entryTime <= j.endTime && j.unit.newestJob <= j.id {
		return false
	}
	if !j.scanned && c.procUp() && c.needsClients(j) && c.requesterOf(j) == nil {
		return false
	}
	if !j.unit.configured && c.needsConfig(j) {
		c.wantOwn(j)
		return false
	}
	return c.stateTold(j) && c.restartTold(j) && c.jobLogReady(j) && c.settled(j)
}

// settled says whether nothing that is still on its way can change the verdict.
func (c *Correlator) settled(j *job) bool {
	if c.mono < j.recheckAt {
		return false
	}
	w := c.why(j)
	done := c.final(j, w)
	if !done {
		j.recheckAt = c.mono + recheck
		c.wakeAt(j.recheckAt)
	}
	return done
}

// stateWait is how long after its end, in µs, a job waits for the first flush of a unit
// that nobody had heard of. There is none where UnitNew came after all was done.
const stateWait = 20_000

// wakeAt asks for a tick, and says whether it is still to come.
func (c *Correlator) wakeAt(mono int64) bool {
	if mono <= c.mono {
		return false
	}
	if c.recheckAt <= c.mono || mono < c.recheckAt {
		c.recheckAt = mono
	}
	return true
}

// recheck is how long, in µs, a verdict that waits for others is left alone: in a
// transaction of hundreds of jobs each word on one could concern all.
const recheck = 4_000

func (c *Correlator) final(j *job, w *why) bool {
	if w.rule == "exclusion" || w.cause == CauseUnknown {
		return !c.unread(j) && !w.tentative
	}
	return !w.tentative
}

// stateTold: a unit that nobody had heard of shows its state only after the job
// (UnitNew stands in for the flush before it; evidence §2.3).
func (c *Correlator) stateTold(j *job) bool {
	if j.endKnown {
		return true
	}
	u := j.unit
	if !u.known || u.state.Changed > j.removedAt {
		return !c.wakeAt(j.removedAt + stateWait)
	}
	j.end, j.endKnown, j.process = u.state, true, u.process
	if !j.beforeKnown && u.state.Changed < j.firstAt {
		j.before, j.beforeKnown = u.state, true
	}
	return true
}

// owes says whether an older job of the unit has yet to be told: a unit's events
// come in the order in which its jobs ended.
func (u *unit) owes(j *job) bool {
	return slices.ContainsFunc(u.jobs, func(m *job) bool {
		return m != j && !m.told && m.removedAt != 0 && m.removedAt < j.removedAt
	})
}

// jobLate: the deadline has passed. Configuration that was asked for is on its way for
// certain, so a job that only lacks that may wait longer: PID 1 answers when its jobs leave
// it time, after 300 ms in a transaction of a hundred units, after up to 5 s when a
// thousand timers fire at once (measured).
func (c *Correlator) jobLate(j *job) bool {
	waited := c.mono - j.removedAt
	if waited < c.opt.Deadline {
		return false
	}
	return c.outOfPatience(j) || !c.awaitsConfig(j)
}

const configPatience = 20

// outOfPatience: the last deadline has passed.
func (c *Correlator) outOfPatience(j *job) bool {
	return c.mono-j.removedAt >= configPatience*c.opt.Deadline
}

func (c *Correlator) awaitsConfig(j *job) bool {
	if !c.saw(WitnessBus, j.removedAt) || !c.needsConfig(j) || j.newAt == 0 {
		return false
	}
	if _, unread := c.firedFor(j); unread {
		return true
	}
	w := c.why(j)
	return w.cause == CauseUnknown && (j.unit.asked && !j.unit.configured || w.tentative || c.unread(j))
}

func (c *Correlator) procUp() bool {
	w := c.witnesses[WitnessProc]
	return w != nil && w.up
}

// ownDoing: systemd itself made the job, and said so: an automatic restart, or part of
// the shutdown.
func (c *Correlator) ownDoing(j *job) bool {
	return j.auto != nil || j.autoState || c.shutdown.begun() && j.id >= c.shutdown.anchor
}

// wantOwn asks for the configuration of a job's unit, where its verdict needs that: where a
// trigger may have fired for it, the trigger's is on its way, and is less to read.
func (c *Correlator) wantOwn(j *job) {
	if _, unread := c.firedFor(j); !unread && c.needsConfig(j) {
		c.wantConfig(j.unit)
	}
}

// needsConfig: an automatic restart, a shutdown, what a trigger is known to have fired for,
// and a job that a client's command line names outright need no configuration to be told,
// unless a trigger fired just then of which it is not known what for.
func (c *Correlator) needsConfig(j *job) bool {
	if c.ownDoing(j) {
		return false
	}
	if c.startsSomething(j) {
		if fired, unread := c.firedFor(j); unread || fired != nil {
			return unread || j.result == "dependency"
		}
	}
	cl := c.requesterOf(j)
	return j.result == "dependency" || cl == nil || reloadsElseRestarts(cl.Verb) && j.type_() == ActionStart
}

// precedes says whether the run ended before the job came, or by it.
func (x *exit) precedes(j *job) bool {
	switch {
	case x.left.job == j.id:
		return true
	case x.end != 0:
		return x.end <= j.firstAt
	}
	return x.closing != nil && x.closing.Time <= j.newTime
}

func (c *Correlator) needsClients(j *job) bool {
	return j.newAt != 0 && !c.ownDoing(j)
}

// restartTold: a start that failed waits for word of an automatic restart, which
// before systemd 254 comes just after JobRemoved.
func (c *Correlator) restartTold(j *job) bool {
	failed := j.result != "done" && j.end.Active == "failed"
	if !failed && !reloadedAway(j) || kind(j.unit.name) != "service" {
		return true
	}
	if c.subStateTells() || j.willRestart || looseLike(j.loose, isStartLimit) != nil {
		return true
	}
	c.wantConfig(j.unit)
	return j.unit.configured && j.unit.config.Restart == "no"
}

// jobLogReady: a failure waits for the unit's own last lines.
func (c *Correlator) jobLogReady(j *job) bool {
	if j.log != nil || c.opt.LogLines < 0 || !c.journalUp() {
		return true
	}
	run := c.failedRun(j)
	if run == "" {
		return true
	}
	if !j.logAsked {
		j.logAsked = true
		c.wantLog(j.unit.name, run)
	}
	return false
}

// failedRun is the invocation whose failure a job's event tells, if there is one.
func (c *Correlator) failedRun(j *job) string {
	o := c.outcome(j)
	if o.failure == "" || o.failure == "start-limit-hit" {
		return ""
	}
	if len(j.runs) > 0 {
		return j.runs[len(j.runs)-1]
	}
	if o.invocation != "" {
		return o.invocation
	}
	return j.before.Invocation
}
