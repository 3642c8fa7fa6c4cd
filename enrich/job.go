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

// typeWait is how long a job may be open, in µs, before its type is asked for: the
// journal tells it of short ones, and only long ones live to be asked.
const typeWait = 100_000

// askTypes asks for the types of jobs that have been open for long.
func (c *Correlator) askTypes() {
	for len(c.fresh) > 0 && (c.fresh[0].told || c.mono-c.fresh[0].newAt >= typeWait) {
		if j := c.fresh[0]; !j.told && j.rawType == "" && j.type_() == "" {
			c.wants.JobTypes = append(c.wants.JobTypes, j.id)
		}
		c.fresh = rest(c.fresh)
	}
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

func (c *Correlator) jobType(o Observation) {
	if j, ok := c.jobs[o.Job.ID]; ok {
		j.setType(o.Job.Type)
	}
}

// setType keeps the type that a job had before a restart turned into its start half.
func (j *job) setType(t string) {
	if t != "" && !(t == ActionStart && j.rawType == ActionRestart) {
		j.rawType = t
	}
}

// noteJob follows the unit's states while a job of its is in the slot.
func (c *Correlator) noteJob(u *unit, was unit) {
	if u.state.Job == 0 {
		return
	}
	j := c.job(u.state.Job, u.name)
	if j.told {
		return
	}
	if j.firstAt == 0 {
		process := was.process
		if process.Iface == "" && isWaitingRestart(u.state.Sub) {
			process = u.process // still the last run's
		}
		c.firstWord(j, was.state, was.known, process)
		j.autoState = restartedByItself(was, u)
	}
	if u.state.Sub == "auto-restart-queued" && was.state.Sub != u.state.Sub && j.newAt == 0 {
		j.autoState = true // 254+: the sub-state exists for this alone; a job that finds it there is another's
	}
	j.follow(was.state, u.state)
}

// restartedByItself tells from states alone that a job is the automatic restart: the
// counter rises with the job's arrival (252; evidence §11.1).
func restartedByItself(was unit, u *unit) bool {
	return was.known && was.process.Iface != "" && isWaitingRestart(was.state.Sub) &&
		u.process.Restarts > was.process.Restarts
}

func (j *job) follow(was, now State) {
	switch {
	case now.Active == "deactivating" || isUp(was.Active) && isDown(now.Active) && (!logsStopping(kind(j.unit.name)) || was.Sub == "exited"):
		j.began.stop = true
	case now.Active == "reloading" && was.Active != "reloading":
		j.began.reload = true
	case (now.Active == "activating" && !isWaitingRestart(now.Sub)) || (isUp(now.Active) && !isUp(was.Active) && was.Active != ""):
		j.began.start = true
	}
}

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

// busLost: what was in memory is no longer what is.
func (c *Correlator) busLost() {
	for _, u := range c.units.Values() {
		u.asked, u.triggersAsked = u.configured && u.asked, u.triggers && u.triggersAsked
	}
}

// type_ is the job's own type, as systemd calls it, from the best witness; empty when unknown.
func (j *job) type_() string {
	if j.told {
		return j.final
	}
	if slices.ContainsFunc(j.entries, func(e Entry) bool { return e.JobType == ActionRestart }) {
		return ActionRestart // a reload or start that a restart was merged into, too
	}
	for _, e := range j.entries {
		switch {
		case e.MessageID == MsgReloading || e.MessageID == MsgReloaded:
			if j.began.stop && j.began.start {
				return ActionRestart // its entry may be on its way
			}
			return ActionReload
		case e.JobType == "verify-active":
			return e.JobType
		}
	}
	switch {
	case j.logged(MsgStopped, MsgStopping) && j.logged(MsgStarted, MsgStarting, MsgFailed):
		return ActionRestart
	case j.rawType == ActionRestart || j.rawType == ActionReload || j.rawType == ActionStop || j.rawType == "verify-active" || j.rawType == ActionNop:
		return j.rawType
	case j.logged(MsgStopped, MsgStopping):
		return j.typeIfStopped()
	case j.logged(MsgStarted, MsgStarting, MsgFailed):
		return ActionStart
	}
	return j.typeFromStates()
}

// typeIfStopped: only a stop half was logged. A restart says so on its Stopped,
// so without one (canceled half-way, LogLevelMax) the states decide.
func (j *job) typeIfStopped() string {
	if j.logged(MsgStopped) || !j.began.start {
		return ActionStop
	}
	return ActionRestart
}

func (j *job) typeFromStates() string {
	switch {
	case j.began.reload:
		return ActionReload
	case j.began.stop && j.began.start:
		return ActionRestart
	case j.began.stop:
		return ActionStop
	case j.began.start:
		return ActionStart
	case j.rawType != "":
		return j.rawType
	}
	return ""
}

// logged says whether one of the message ids was logged with this job's id.
func (j *job) logged(ids ...string) bool {
	return slices.ContainsFunc(j.entries, func(e Entry) bool { return slices.Contains(ids, e.MessageID) })
}
