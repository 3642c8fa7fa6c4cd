package enrich

// outcome is how a job ended.
type outcome struct {
	action     string
	result     string
	failure    string
	exit       *Exit
	invocation string
	attempts   int
	restart    *bool
	missing    []string
}

// outcome decides how a job ended from its result, its entries and the unit's
// state at the instant that it was removed.
func (c *Correlator) outcome(j *job) outcome {
	o := outcome{action: c.action(j), result: j.result}
	if o.result == "" {
		o.missing = append(o.missing, "result")
	}
	if skipped(j) {
		o.result = "skipped"
	}
	o.failure, o.exit = c.jobFailure(j)
	o.invocation = j.invocation(o)
	if len(j.runs) > 1 {
		o.attempts = len(j.runs)
	}
	if o.failure != "" || o.result == "failed" {
		o.restart = c.jobRestart(j, o)
	}
	return o
}

// action is what the job did, in the contract's words.
func (c *Correlator) action(j *job) string {
	t := j.type_()
	switch {
	case j.auto != nil || j.autoState:
		return ActionRestart
	case t == "verify-active":
		return ActionVerify
	case c.nothingDone(j):
		return ActionNop
	case t == ActionStart && c.askedRestart(j):
		return ActionRestart
	case t == "" && j.result == "invalid":
		return ActionReload // of a unit that is not active (evidence §1.1)
	case t == "":
		return c.askedAction(j)
	}
	return t
}

// nothingDone: a done job that left no entry and changed no state asked for what
// already was.
func (c *Correlator) nothingDone(j *job) bool {
	if j.result != "done" || len(j.entries) > 0 || j.began.stop || j.began.start || j.began.reload {
		return false
	}
	if j.endKnown && j.beforeKnown && j.before.Changed != 0 {
		return j.end.Changed == j.before.Changed && !conditionUnmet(j)
	}
	return c.live() && !conditionUnmet(j) && j.end.Changed < j.firstAt
}

// askedAction is what the client that fits asked for, where no witness saw the job's type.
func (c *Correlator) askedAction(j *job) string {
	for i := range j.clients {
		cl := &j.clients[i]
		if jobs := verbJobs[cl.Verb]; len(jobs) > 0 && c.fits(cl, j) && !spent(cl, j) {
			return jobs[0]
		}
	}
	return ""
}

// askedRestart: a restart of a unit that was down reads as a start in the journal;
// only the one who asked still knows.
func (c *Correlator) askedRestart(j *job) bool {
	for i := range j.clients {
		if j.clients[i].Verb == ActionRestart && c.fits(&j.clients[i], j) && !spent(&j.clients[i], j) {
			return true
		}
	}
	return false
}

// skipped: a condition was unmet; JobRemoved says done all the same (systemd#21520).
func skipped(j *job) bool {
	if j.result != "done" && j.result != "skipped" {
		return false
	}
	if j.result == "skipped" || conditionUnmet(j) {
		return true
	}
	for _, e := range j.entries {
		if e.MessageID == MsgStarted && isSkipText(e) {
			return true
		}
	}
	return looseLike(j.loose, func(e Entry) bool { return e.MessageID == MsgSkipped }) != nil
}

// conditionUnmet: the last flush shows a check of conditions, made in this job, that failed.
func conditionUnmet(j *job) bool {
	return j.endKnown && j.end.ConditionAt != 0 && !j.end.Condition && j.firstAt != 0 &&
		j.end.ConditionAt > j.before.ConditionAt && j.end.ConditionAt >= j.firstAt-nearby
}

// jobFailure is what failed in the job: the journal's word first, then the type's
// Result if the run that it speaks of ended in this job.
func (c *Correlator) jobFailure(j *job) (string, *Exit) {
	if j.logged(MsgReloading, MsgReloaded) || j.began.reload {
		return c.reloadFailure(j)
	}
	failure := failureOf(j.loose, nil, j.process, false)
	exit := exitOf(j.loose, Process{}, 0)
	if failure == "" && j.endKnown && j.end.Active == "failed" && j.firstAt != 0 && j.end.Changed >= j.firstAt-settling {
		failure = failureOf(nil, nil, j.process, true)
	}
	if failure == "" && j.result == "done" {
		return "", nil
	}
	if exit == nil && failure != "start-limit-hit" && failure != "" && j.process.ExecExit >= j.firstAt-settling && j.firstAt != 0 {
		exit = exitOf(nil, j.process, 1)
	}
	return failure, exit
}

// reloadFailure: the unit lives on, its Result unchanged; ReloadResult tells (evidence §7).
func (c *Correlator) reloadFailure(j *job) (string, *Exit) {
	if j.result == "done" {
		return "", nil
	}
	exit := exitOf(j.loose, Process{}, 0)
	if j.endKnown && j.process.ReloadResult != "" && j.process.ReloadResult != "success" {
		return j.process.ReloadResult, exit
	}
	if f := failureOf(j.loose, nil, Process{}, false); f != "" {
		return f, exit
	}
	if exit != nil {
		return map[string]string{"exited": "exit-code", "killed": "signal", "dumped": "core-dump"}[exit.Code], exit
	}
	return "", nil
}

// invocation is that of the run that the job began or ended; a job that began none
// has none, though its entries carry the run before's (evidence D3).
func (j *job) invocation(o outcome) string {
	switch o.action {
	case ActionStop:
		return j.stoppedRun()
	case ActionStart, ActionRestart:
		return j.startedRun(o)
	}
	return ""
}

func (j *job) stoppedRun() string {
	for _, e := range j.entries {
		if e.Invocation != "" {
			return e.Invocation
		}
	}
	if j.began.stop {
		return j.before.Invocation
	}
	return ""
}

func (j *job) startedRun(o outcome) string {
	if o.result == "skipped" || o.result == "assert" || o.result == "dependency" || o.failure == "start-limit-hit" {
		return ""
	}
	if len(j.runs) > 0 {
		return j.runs[len(j.runs)-1]
	}
	if j.endKnown && j.end.Invocation != j.before.Invocation && (j.beforeKnown || j.began.start) {
		return j.end.Invocation
	}
	return ""
}

// jobRestart says whether a failed start will be tried again by systemd.
func (c *Correlator) jobRestart(j *job, o outcome) *bool {
	if o.action != ActionStart && o.action != ActionRestart && o.action != ActionReload {
		return nil
	}
	waiting := isWaitingRestart(j.end.Sub) || j.willRestart
	switch {
	case waiting:
		return ptr(true)
	case looseLike(j.loose, func(e Entry) bool { return e.MessageID == MsgRestartScheduled }) != nil && o.result == "done":
		return nil
	case c.live() && j.endKnown && c.saw(WitnessBus, j.firstAt) && isDown(j.end.Active):
		return ptr(false)
	}
	return nil
}
