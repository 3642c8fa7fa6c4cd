package enrich

import "slices"

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

func (j *job) reloads() bool { return j.logged(MsgReloading) }
