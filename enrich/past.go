package enrich

import "slices"

// trace is what the journal showed of a job or of a run's end: enough to know later
// whether it may have been the reason of another job.
type trace struct {
	id          uint32 // 0 for the end of a run
	unit        string
	first, last int64 // source times of its first and last entry, µs
}

const keptTraces = 512

// trace notes an entry of a job, or of a run that ended without one.
func (c *Correlator) trace(e Entry) {
	for i := len(c.traces) - 1; e.Job != 0 && i >= 0; i-- {
		if t := &c.traces[i]; t.id == e.Job {
			t.last = e.Time
			return
		}
	}
	c.traces = append(c.traces, trace{e.Job, e.Unit, e.Time, e.Time})
	if len(c.traces) > keptTraces {
		c.traces = slices.Delete(c.traces, 0, len(c.traces)-keptTraces)
	}
}

// idRange is wider than the ids that one transaction makes of a few units: a plain
// start of a service burns about fifty (evidence §1.4, measured).
const idRange = 4096

// neighbour says whether another job of about the same id, or the end of another
// unit's run, was near enough to be the reason of this one.
func (c *Correlator) neighbour(j *job) bool {
	first, last := j.entries[0].Time, j.entries[len(j.entries)-1].Time
	return slices.ContainsFunc(c.traces, func(t trace) bool {
		if t.unit == j.unit.name || t.last < first-nearby || t.first > last+nearby {
			return false
		}
		return t.id == 0 || t.id < j.id && j.id-t.id < idRange
	})
}

// pastReady: what the journal alone is to explain waits until nothing near it can
// still be read.
func (c *Correlator) pastReady(j *job) bool {
	return j.closing != nil && (c.flushing || c.entryTime > j.closing.Time+nearby)
}
