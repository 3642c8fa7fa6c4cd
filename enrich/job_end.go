package enrich

import "slices"

// jobRemoved: the unit's flush came just before, so its state in memory is the
// state at this instant; nothing is read back (evidence §2.2).
func (c *Correlator) jobRemoved(o Observation) {
	j := c.job(o.Job.ID, o.Unit)
	if j.told || j.removed {
		return
	}
	u := j.unit
	c.firstWord(j, u.state, u.known, u.process)
	j.removed, j.result = true, o.Job.Result
	j.end, j.endKnown, j.process = u.state, u.known, u.process
	c.endJob(j, o.Mono, o.Time)
}

// endJob queues a job that is over for its verdict.
func (c *Correlator) endJob(j *job, mono, time int64) {
	if j.removedAt == 0 {
		c.waiting = append(c.waiting, j)
	}
	j.removedAt, j.endTime = max(mono, 1), time
	j.resultFromEntry()
}

// resultFromEntry: where JobRemoved was lost, the closing entry has its result.
func (j *job) resultFromEntry() {
	if !j.removed && j.result == "" && j.closing != nil {
		j.result = j.closing.JobResult
	}
}

// closeVanished ends the jobs that a fresh listing no longer shows: their
// JobRemoved was lost with the bus or in a reload (systemd#8803).
func (c *Correlator) closeVanished(open map[uint32]bool) {
	var gone []*job
	for id, j := range c.jobs {
		if !open[id] && j.removedAt == 0 && j.firstAt != 0 {
			gone = append(gone, j)
		}
	}
	slices.SortFunc(gone, func(a, b *job) int { return int(a.id) - int(b.id) })
	for _, j := range gone {
		c.endJob(j, c.mono, c.time)
	}
}
