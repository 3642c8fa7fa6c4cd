package enrich

import (
	"cmp"
	"strings"
)

// entry takes in one journal entry. PID 1's travel through one socket, so for one
// unit their order is the order of events; source time joins them to signals.
func (c *Correlator) entry(o Observation) {
	e := o.Entry
	if c.ofFormerBoot(o) {
		return
	}
	if e.BootID != "" && e.BootID != c.host.BootID {
		c.newBoot(e.BootID)
	}
	switch e.Source {
	case SourceManager:
		c.managerEntry(e)
	case SourceChild:
		c.spawnFailed(e)
	case SourceLogind:
		c.shutdown.noteHint(e)
	case SourceBus, SourceSudo:
		c.hint(e)
	case SourceJournald:
		c.journald(e)
	}
}

// newBoot closes what the last boot left open: job ids start anew.
func (c *Correlator) newBoot(id string) {
	if c.host.BootID == "" {
		c.host.BootID = id
		return
	}
	c.flushing = true
	c.flushExits()
	c.settle()
	c.flushing = false
	c.units.Purge()
	c.ends, c.active, c.seen = map[end][]string{}, nil, nil
	c.jobs = map[uint32]*job{}
	c.waiting, c.exits, c.fired, c.closed, c.fresh = nil, nil, newFirings(), nil, nil
	c.boot, c.shutdown = bootState{}, shutdownState{}
	c.host.BootID = id
}

func (c *Correlator) managerEntry(e Entry) {
	c.entryFrom = cmp.Or(c.entryFrom, e.Time)
	if e.Time > c.entryTime {
		c.entryTime = e.Time
	}
	c.boot.noteEntry(e)
	c.shutdown.noteEntry(e)
	if e.Unit != "" {
		c.mark(c.unit(e.Unit))
	}
	switch {
	case e.Unit == "":
		c.shutdown.noteHint(e)
	case e.Job != 0:
		c.labelled(e)
	case e.MessageID == MsgRestartScheduled:
		c.scheduled(e)
	default:
		c.unlabelled(e)
	}
}

// labelled takes in an entry that names its job.
func (c *Correlator) labelled(e Entry) {
	j := c.job(e.Job, e.Unit)
	if j.told {
		return
	}
	u := j.unit
	j.from = earlier(j.from, u.read)
	c.trace(e)
	u.newestJob = max(u.newestJob, e.Job)
	if len(j.entries) < keptEntries {
		j.entries = append(j.entries, e)
	}
	c.exitNext(u, e)
	if j.newTime == 0 {
		j.newTime = e.Time
		j.takeBack()
		c.takeSchedule(j)
	}
	switch e.MessageID {
	case MsgStarting, MsgStopping, MsgReloading:
		c.opening(u, j, e)
	case MsgStarted, MsgFailed, MsgReloaded, MsgStopped:
		c.closingEntry(u, j, e)
	}
}

// exitNext: a job's entry after the end of a run. If the end was read from the
// journal and the job is the start that failed with it, it was no run of its own. In
// the past, neither is one that ended cleanly and directly before its Stopped: a unit
// that stops at once logs no Stopping (timers, sockets, an exited oneshot).
func (c *Correlator) exitNext(u *unit, e Entry) {
	x := u.lastExit()
	if x == nil || x.fromBus || x.closing == nil {
		return
	}
	x.next = true
	refused := looseLike(u.loose, isStartLimit) != nil // and so the invocation is that of the run before
	// A stop or restart that ends a reload logs no Stopping either.
	x.dropped = x.inReload && e.MessageID == MsgStopped || e.MessageID == MsgFailed && e.Invocation == x.invocation && !refused ||
		e.MessageID == MsgStopped && !c.covers(e.Time) && (x.closing.MessageID == MsgSuccess || !logsStopping(kind(u.name)))
}

// opening: a job begins to work. What stood loose before is not this job's.
func (c *Correlator) opening(u *unit, j *job, e Entry) {
	if u.run != j {
		u.takeLoose()
	}
	u.run, j.opened = j, true
	j.stopLog = j.stopLog || e.MessageID == MsgStopping
	if e.MessageID == MsgStarting {
		j.noteRun(e.Invocation)
	}
}

// closingEntry: one half, or the whole, of a job is over.
func (c *Correlator) closingEntry(u *unit, j *job, e Entry) {
	loose, from := u.takeLoose()
	j.loose, j.from = append(j.loose, loose...), earlier(j.from, from)
	if e.MessageID == MsgStarted && !isSkipText(e) {
		j.noteRun(e.Invocation)
		u.runStart, u.runID = e.Time, strings.Clone(e.Invocation)
	}
	if e.MessageID == MsgStopped && e.JobType == ActionRestart && e.JobResult == "done" {
		return // the stop half of a restart
	}
	j.closing, j.closedAt = &e, c.mono
	if j.removedAt != 0 {
		j.resultFromEntry()
	}
	if u.run != nil { // a unit has one job at a time: if it is another, that was canceled at its work
		j.from, u.run = earlier(j.from, u.run.from), nil
	}
	if !c.covers(e.Time) {
		c.closeFromJournal(j, e)
	} else if j.removedAt == 0 {
		c.closed = append(c.closed, j)
	}
}

// closeFromJournal ends a job of a time when the bus was no witness.
func (c *Correlator) closeFromJournal(j *job, e Entry) {
	if j.removed {
		return
	}
	j.result = e.JobResult
	c.endJob(j, c.mono, e.Time)
}

func (j *job) noteRun(invocation string) {
	if invocation != "" && (len(j.runs) == 0 || j.runs[len(j.runs)-1] != invocation) && len(j.runs) < keptEntries {
		j.runs = append(j.runs, strings.Clone(invocation))
	}
}

// unlabelled takes in an entry about a unit that names no job.
func (c *Correlator) unlabelled(e Entry) {
	u := c.unit(e.Unit)
	u.keepLoose(e)
	c.takeQuiet(u)
	if e.MessageID == MsgFailureResult || e.MessageID == MsgSuccess {
		c.runEnded(u, e)
		if u.run == nil {
			c.trace(e)
		}
	}
	if text := lastClause(e); strings.HasPrefix(text, "Triggering On") || strings.HasPrefix(text, "Got automount request") {
		c.hint(e)
	}
}

// spawnFailed comes from the forked child itself: it is believed only if its pid
// is that of a process that the manager started for the unit (evidence §4.1).
func (c *Correlator) spawnFailed(e Entry) {
	u := c.peek(e.Unit)
	if u == nil || e.PID == 0 {
		return
	}
	p := u.process
	if p.Iface != "" && uint32(e.PID) != p.ExecPID && uint32(e.PID) != p.MainPID && uint32(e.PID) != p.ControlPID {
		return
	}
	c.mark(u)
	u.keepLoose(e)
}

// journald: what it dropped of PID 1's is evidence that will never come.
func (c *Correlator) journald(e Entry) {
	if e.MessageID != MsgJournalDropped || !strings.Contains(e.Message, c.host.home()) {
		return
	}
	if w := c.witnesses[WitnessJournal]; w != nil {
		w.lostAt = c.mono
	}
	c.stats.Gaps++
}

// isSkipText knows the Started entries that tell of an unmet condition: they
// share the id, the type and the result of a real start (evidence §4.2).
func isSkipText(e Entry) bool {
	for _, s := range []string{"was skipped because", " skipped, unmet condition", " skipped, no trigger condition",
		" skipped because no trigger condition", "Condition check resulted in"} {
		if strings.Contains(e.Message, s) {
			return true
		}
	}
	return false
}
