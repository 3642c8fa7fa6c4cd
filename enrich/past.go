package enrich

import (
	"slices"
	"strings"
)

// trace is what the journal showed of a job or of a run's end: enough to know later
// whether it may have been the reason of another job.
type trace struct {
	id          uint32 // 0 for the end of a run
	unit        string
	first, last int64 // source times of its first and last entry, µs
}

// keptTraces bounds them. When there are more, what a job came of may be forgotten.
const keptTraces = 512

// trace notes an entry of a job, or of a run that ended without one.
func (c *Correlator) trace(e Entry) {
	for i := len(c.traces) - 1; e.Job != 0 && i >= 0; i-- {
		if t := &c.traces[i]; t.id == e.Job {
			t.last = e.Time
			return
		}
	}
	c.traces = append(c.traces, trace{e.Job, strings.Clone(e.Unit), e.Time, e.Time})
	if len(c.traces) > keptTraces {
		c.traceLost = max(c.traceLost, c.traces[0].last)
		c.traces = slices.Delete(c.traces, 0, 1)
	}
}

// idRange is wider than the ids that one transaction makes of a few units: a plain
// start of a service burns about fifty (evidence §1.4, measured).
const idRange = 4096

// mayBeAsked says whether another job of about the same id, or the end of another unit's
// run, was near enough to be the reason of this one and, as far as configuration is
// known, is related to it.
func (c *Correlator) mayBeAsked(j *job) bool {
	if c.tracesLost(j) {
		return true
	}
	near := c.neighbours(j)
	if len(near) == 0 {
		return false
	}
	if j.type_() == ActionStop && slices.ContainsFunc(near, func(name string) bool { return kind(name) == "target" }) {
		return true // it may have been isolated
	}
	return c.leadsHere(j, near)
}

// tracesLost says whether one that was near a job may have been forgotten.
func (c *Correlator) tracesLost(j *job) bool {
	return c.traceLost != 0 && j.entries[0].Time-c.traceLost < nearby
}

// neighbours are the units with such a job or end.
func (c *Correlator) neighbours(j *job) (units []string) {
	first, last := j.entries[0].Time, j.entries[len(j.entries)-1].Time
	for _, t := range c.traces {
		if t.unit == j.unit.name || t.last < first-nearby || t.first > last+nearby {
			continue
		}
		if t.id == 0 || t.id < j.id && j.id-t.id < idRange {
			units = append(units, t.unit)
		}
	}
	return units
}

// tornOff says whether a stream that goes on in the journal where another ended may have begun
// between the job and what it came of.
func (c *Correlator) tornOff(j *job) bool { return c.live() && j.newTime-c.entryFrom < nearby }

// nearTrigger says whether a timer, path, socket or automount that systemd no longer knows
// did something just then: a transient timer can start any unit, and is gone when it has.
func (c *Correlator) nearTrigger(j *job) bool {
	return c.tracesLost(j) || slices.ContainsFunc(c.neighbours(j), func(name string) bool {
		if !isTrigger(name) {
			return false
		}
		u := c.unit(name)
		c.wantPast(u) // asks once
		return !u.readable()
	})
}

// reach is how many units are looked at on the ways to one job.
const reach = 256

// leadsHere follows the dependencies that could ask for such a job upwards from its unit,
// also over units without a job of their own, until one of the others is met. A unit on
// the way whose configuration is not known may lead anywhere; it is asked for.
func (c *Correlator) leadsHere(j *job, others []string) bool {
	relations := reasons(j)
	ways, lost := []string{j.unit.name}, false
	for i := 0; i < len(ways); i++ {
		u := c.unit(ways[i])
		if !u.readable() {
			c.wantPast(u)
			lost = true
			continue
		}
		for _, r := range relations {
			for _, above := range c.linked(u, r.property) {
				if slices.Contains(others, above) || len(ways) == reach {
					return true
				}
				if !slices.Contains(ways, above) {
					ways = append(ways, above)
				}
			}
		}
	}
	return lost
}

// wantPast asks for configuration that only a verdict on the past rests on. A live stream
// does not wait for it: what it reads of the past is told at once.
func (c *Correlator) wantPast(u *unit) {
	if !c.live() {
		c.wantConfig(u)
	}
}

// reasons are the relations by which a unit's job or end can ask for a job of this type.
func reasons(j *job) (all []relation) {
	for _, a := range asksFor(j.type_()) {
		all = append(all, a.relations...)
	}
	if j.type_() == ActionStop && j.unit.config.StopWhenUnneeded {
		all = append(all, pulls...)
	}
	return all
}

// readPast says whether what was read at mono was the past of a live stream, which by now has
// been read to its end, and that is later than time (µs since the epoch).
func (c *Correlator) readPast(mono, time int64) bool {
	w := c.witnesses[WitnessJournal]
	return c.live() && w != nil && w.up && mono <= w.upAt && c.time > time
}

// pastReady: what the journal alone is to explain waits until nothing near it can
// still be read.
func (c *Correlator) pastReady(j *job) bool {
	return j.closing != nil && (c.flushing || c.entryTime > j.closing.Time+nearby || c.readPast(j.closedAt, j.closing.Time+nearby))
}
