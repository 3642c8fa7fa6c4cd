package enrich

import "slices"

// job is what is known of one job, from whichever witness spoke first.
type job struct {
	id   uint32
	unit *unit

	seq       uint64   // order of the first word of it on the bus
	firstAt   int64    // mono of that word; 0 if only the journal knows it
	newAt     int64    // mono of JobNew, 0 if never seen
	plugged   []string // devices that had just appeared then
	newTime   int64    // CLOCK_REALTIME of the first word
	listed    bool     // it was there already when the bus became a witness
	inBurst   int      // its place among them
	burst     uint64   // JobNews that came in one go share this
	removedAt int64    // mono of JobRemoved (or of the word that it is gone), 0 while open
	endTime   int64    // CLOCK_REALTIME of that
	removed   bool     // JobRemoved was seen
	result    string
	rawType   string // as read from the bus

	*ends
	beforeKnown bool
	endKnown    bool
	began       struct{ stop, start, reload bool } // seen in the unit's states

	from     uint64  // which of the unit's entries is the first that it rests on, 0 for none
	entries  []Entry // the manager's with this JOB_ID, bounded
	loose    []Entry // the unit's without one, written while it ran
	closing  *Entry  // the last entry that this job will have
	closedAt int64   // mono of when that was read
	opened   bool    // its Starting, Stopping or Reloading was logged
	stopLog  bool    // Stopping was logged
	runs     []string

	scanned bool // /proc was looked at for it
	guessed bool // or not even that, as a client was known to wait for it
	clients []Client

	auto         *Entry // the RESTART_SCHEDULED that it comes from
	autoState    bool   // the same from the unit's states alone
	autoAsked    bool   // "… on client request": a client cut the wait short (257+)
	willRestart  bool   // after its end the unit waited for an automatic restart
	supersededBy uint32
	verdict      *why
	final        string // its type, once told
	logAsked     bool
	log          *Log
	told         bool
	recheckAt    int64 // mono of when the verdict may be tried again

	concerned uint64 // the number of the last observation about it
	lookAt    int64  // mono of when it is looked at again though none is
	patience  int64  // µs from one such look to the next
}

// ends are the unit as it was before a job's first effect, and at its removal.
type ends struct {
	before, end            State
	beforeProcess, process Process
}

// noEnds and noEntry stand in for those of a told job, of which nobody asks any more.
var (
	noEnds  ends
	noEntry Entry
)

const keptEntries = 16 // labelled entries kept a job; a job has two to four, more with RestartMode=direct

// job finds or makes the record of a job id.
func (c *Correlator) job(id uint32, name string) *job {
	if j, ok := c.jobs[id]; ok {
		return j
	}
	u := c.unit(name)
	for _, j := range u.jobs {
		if j.id == id {
			return j // told already
		}
	}
	c.refresh(u)
	j := &job{id: id, unit: u, ends: &ends{}}
	c.jobs[id] = j
	u.jobs = append(u.jobs, j)
	if len(u.jobs) > keptJobs && u.jobs[0].told {
		u.jobs = slices.Delete(u.jobs, 0, 1)
	}
	c.stats.Jobs++
	return j
}

// firstWord notes when the bus first spoke of a job, and the unit as it was before.
func (c *Correlator) firstWord(j *job, before State, known bool, process Process) {
	if j.firstAt != 0 {
		return
	}
	j.seq, j.firstAt, j.newTime = c.seq, c.mono, c.time
	j.before, j.beforeKnown, j.beforeProcess = before, known, process
	c.touch(j.unit)
	c.takeSchedule(j)
}

func (c *Correlator) jobNew(o Observation) {
	j := c.job(o.Job.ID, o.Unit)
	if j.told || j.newAt != 0 {
		return
	}
	u := j.unit
	c.firstWord(j, u.state, u.known, u.process)
	j.newAt = o.Mono
	j.plugged = c.plugged()
	j.burst = c.burst.next(o.Mono)
	j.inBurst = c.burst.count
	c.supersede(j)
	c.shutdown.note(j)
	c.fresh = append(c.fresh, j)
}

// supersede: a conflicting job is removed as canceled just before its successor
// is announced (evidence §1.4).
func (c *Correlator) supersede(j *job) {
	for _, old := range j.unit.jobs {
		if old != j && old.result == "canceled" && old.supersededBy == 0 && j.newAt-old.removedAt < nearby {
			old.supersededBy = j.id
		}
	}
}

func (c *Correlator) listedJob(l Listed, mono int64) {
	j := c.job(l.Job, l.Unit)
	if j.told {
		return
	}
	c.firstWord(j, State{}, false, Process{})
	j.setType(l.JobType)
	if j.newAt == 0 {
		j.listed = true
		c.boot.noteListed(c, j)
		c.shutdown.note(j)
	}
}

// openJob is the unit's job with an id, told or not.
func (u *unit) openJob(id uint32) *job {
	for _, j := range u.jobs {
		if j.id == id {
			return j
		}
	}
	return nil
}
