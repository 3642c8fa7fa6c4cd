package enrich

import "slices"

// judge gives the event of a run that ended, unless it ended under its own job.
func (c *Correlator) judge(x *exit) {
	c.exits = slices.DeleteFunc(c.exits, func(y *exit) bool { return y == x })
	x.unit.exits = slices.DeleteFunc(x.unit.exits, func(y *exit) bool { return y == x })
	if x.dropped || c.underJob(x) {
		x.giveBack()
		return
	}
	end := c.assess(x)
	x.unit.last = end
	c.over.Add(x.invocation, struct{}{})
	c.emit(c.exitEvent(x, end))
	c.collect(x.unit)
}

// underJob says whether the run ended under a stop or restart job that was
// running, not waiting: then that job's event tells of it.
func (c *Correlator) underJob(x *exit) bool {
	j := x.unit.openJob(x.left.job)
	if x.left.job == 0 || j == nil {
		return false
	}
	switch j.type_() {
	case ActionStart, ActionNop, "verify-active":
		return false
	case ActionReload:
		return c.live() && j.removedAt == 0 // it outlived the run: it is a restart by now
	}
	if !logsStopping(kind(x.unit.name)) || j.stopLog || x.left.from != "active" || x.left.sub == "exited" {
		return true
	}
	return len(j.entries) == 0 && x.left.to == "deactivating" // with no entry at all the bus alone tells
}

// surelyUnderJob: the job in the slot has shown all that there is to know of it.
func (c *Correlator) surelyUnderJob(x *exit) bool {
	j := x.unit.openJob(x.left.job)
	return j != nil && (j.stopLog || j.closing != nil) && c.underJob(x)
}

// logsStopping: only types that stop asynchronously log "Stopping" (evidence §4.2).
func logsStopping(kind string) bool {
	return kind == "service" || kind == "mount" || kind == "swap" || kind == "scope"
}

// giveBack leaves the entries of a run that ended under a job to that job.
func (x *exit) giveBack() {
	for _, j := range x.unit.jobs {
		if !j.told && (j.id == x.left.job || x.dropped) {
			j.loose, j.from = append(x.loose, j.loose...), earlier(j.from, x.from)
			return
		}
	}
	x.unit.loose, x.unit.looseFrom = append(x.loose, x.unit.loose...), earlier(x.unit.looseFrom, x.from)
}
