package enrich

const (
	// fewWaiting is how many jobs that wait are all looked at again at every observation: any may
	// be what one of them waited for. In a storm that would be the most of the work.
	fewWaiting = 32
	// maxPatience bounds, in µs, how long one of many is then not looked at, unless an observation
	// is about its unit.
	maxPatience = 32_000
)

// due says whether a job that waits is to be looked at now.
func (c *Correlator) due(j *job) bool {
	switch {
	case len(c.waiting) <= fewWaiting || c.flushing:
		return true
	case j.concerned != c.seq && c.mono < j.lookAt:
		return false
	}
	j.patience = min(max(2*j.patience, recheck), maxPatience)
	j.lookAt = min(c.mono+j.patience, c.lateAt(j))
	c.wakeAt(j.lookAt)
	return true
}

// lateAt is when a job's next deadline passes; the last stays when it has.
func (c *Correlator) lateAt(j *job) int64 {
	if due := j.removedAt + c.opt.Deadline; due > c.mono {
		return due
	}
	return j.removedAt + configPatience*c.opt.Deadline
}

// concern notes the jobs that an observation is about.
func (c *Correlator) concern(o Observation) {
	for _, name := range [...]string{o.Unit, o.Entry.Unit} {
		if u := c.peek(name); u != nil && name != "" {
			for _, j := range u.jobs {
				j.concerned = c.seq
			}
		}
	}
	for _, id := range o.Jobs {
		if j, ok := c.jobs[id]; ok {
			j.concerned = c.seq
		}
	}
}
