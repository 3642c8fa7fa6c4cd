package enrich

import (
	"slices"
	"strings"
)

// settle gives the events of all jobs and runs whose evidence is complete. Runs go
// first: the end of a run is told before the restart that follows it.
func (c *Correlator) settle() {
	c.settleExits()
	c.askTypes()
	c.sweepStale()
	for again := true; again; {
		again = false
		for _, j := range slices.Clone(c.waiting) {
			if !j.told && c.due(j) && c.jobReady(j) {
				c.finish(j)
				again = true
			}
		}
		c.waiting = slices.DeleteFunc(c.waiting, func(j *job) bool { return j.told })
	}
}

// orphanWait is how long, in µs, a job whose closing entry was read while the bus
// listened may wait for its JobRemoved before it is taken to be lost.
const orphanWait = 5_000_000

// sweepStale ends the jobs that only the journal knows: their signals were lost.
func (c *Correlator) sweepStale() {
	for len(c.closed) > 0 {
		j := c.closed[0]
		if !j.told && j.removedAt == 0 {
			if c.mono-j.closedAt < orphanWait {
				return
			}
			c.endJob(j, c.mono, j.closing.Time)
		}
		c.closed = rest(c.closed)
	}
}

// finish tells a job.
func (c *Correlator) finish(j *job) {
	w := c.why(j)
	j.verdict = w
	c.takeFiring(j, w)
	o := c.outcome(j)
	c.rememberOutcome(j, o, w)
	e := c.jobEvent(j, o, w)
	j.final, j.told = j.type_(), true
	delete(c.jobs, j.id)
	c.emit(e)
	c.spend(j)
	c.slim(j)
	c.collect(j.unit)
}

// slim keeps of a told job what later jobs may ask for.
func (c *Correlator) slim(j *job) {
	j.entries, j.loose, j.log, j.clients = nil, nil, nil, nil
	j.ends = &noEnds
	j.verdict.evidence, j.verdict.requester = nil, nil
	if j.closing != nil && !c.alone(j) {
		j.closing = &noEntry // what the journal alone knows of may yet be another's proof
	}
}

// rememberOutcome: a run that failed under its own start job is the unit's last
// end, and the reason of the automatic restart that may follow.
func (c *Correlator) rememberOutcome(j *job, o outcome, w *why) {
	u := j.unit
	if o.failure != "" && o.failure != "start-limit-hit" && (o.action == ActionStart || o.action == ActionRestart) && o.result != "done" {
		u.last = ended{cause: CauseCrash, failure: o.failure, exit: o.exit, time: j.endTime, mono: j.removedAt, invocation: o.invocation, underJob: true}
		u.crashes = recent(append(u.crashes, j.endTime), j.endTime)
	}
	if o.action == ActionRestart && o.result == "done" {
		u.restarts = recent(append(u.restarts, j.endTime), j.endTime)
	}
}

// recent keeps the times of the last ten minutes.
func recent(times []int64, now int64) []int64 {
	return slices.DeleteFunc(times, func(t int64) bool { return now-t > recentWindow })
}

// emit gives an event, once an id.
func (c *Correlator) emit(e Event) {
	if _, twice := c.told.Get(e.ID); twice {
		return
	}
	c.told.Add(e.ID, struct{}{})
	if int64(e.Time) < c.opt.Since {
		return
	}
	c.stats.Events++
	if e.Cause == CauseUnknown {
		c.stats.Unknown++
	}
	c.out = append(c.out, e)
}

func containsText(e Entry, text string) bool { return strings.Contains(e.Message, text) }

func journalProof(e Entry) Evidence {
	return Evidence{Source: "journal", Cursor: e.Cursor, Says: lastClause(e)}
}

// proof is the last of the entries, or what the bus showed.
func (c *Correlator) proof(entries []Entry, says string) Evidence {
	if len(entries) == 0 {
		return Evidence{Source: "dbus", Says: says}
	}
	return Evidence{Source: "journal", Cursor: entries[len(entries)-1].Cursor, Says: says}
}
