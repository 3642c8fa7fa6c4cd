package enrich

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

// effect is when the unit first changed under a job that is over, by systemd's own stamp, µs of
// CLOCK_MONOTONIC; 0 when that is not known. An older stamp is of another change: of a unit that
// was only listed none was known before.
func (j *job) effect() (first int64) {
	if !j.beforeKnown || !j.endKnown {
		return 0
	}
	for _, s := range [...][2]int64{
		{j.before.InactiveExit, j.end.InactiveExit}, {j.before.ActiveEnter, j.end.ActiveEnter},
		{j.before.ActiveExit, j.end.ActiveExit}, {j.before.InactiveEnter, j.end.InactiveEnter},
	} {
		if s[1] > s[0] && j.firstAt-s[1] < nearby && (first == 0 || s[1] < first) {
			first = s[1]
		}
	}
	return first
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
