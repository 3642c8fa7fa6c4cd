package enrich

import (
	"cmp"
	"slices"
)

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
	o.invocation = c.invocation(j, o)
	if len(j.runs) > 1 {
		o.attempts = len(j.runs)
	}
	if o.failure != "" || o.result == "failed" || reloadedAway(j) {
		o.restart = c.jobRestart(j, o)
	}
	return o
}

// reloadedAway: the unit was gone when its reload was over, failed or not.
func reloadedAway(j *job) bool {
	return j.type_() == ActionReload && j.endKnown && isDown(j.end.Active) && j.result != "invalid"
}

// action is what the job did, in the contract's words.
func (c *Correlator) action(j *job) string {
	t := j.type_()
	switch {
	case (j.auto != nil || j.autoState) && t != ActionStop && t != ActionReload:
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
	if t := j.type_(); t == ActionReload || t == "" && j.began.reload {
		return c.reloadFailure(j)
	}
	failure := failureOf(j.loose, nil, j.process, false)
	exit := exitOf(j.loose, Process{}, 0)
	before := j.type_() == ActionStop && c.exitTold(j.before.Invocation)
	if failure == "" && !before && j.endKnown && j.end.Active == "failed" && j.firstAt != 0 && j.end.Changed >= j.firstAt-settling {
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
func (c *Correlator) invocation(j *job, o outcome) string {
	switch o.action {
	case ActionStop:
		return c.stoppedRun(j)
	case ActionStart, ActionRestart:
		return j.startedRun(o)
	}
	return ""
}

// stoppedRun: a run that ended by itself has its own event, and was not this job's to end.
func (c *Correlator) stoppedRun(j *job) string {
	run := ""
	if j.began.stop {
		run = j.before.Invocation
	}
	for _, e := range slices.Backward(j.entries) {
		run = cmp.Or(e.Invocation, run)
	}
	if c.exitTold(run) {
		return ""
	}
	return run
}

// exitTold: the run ended by itself, and has its own event.
func (c *Correlator) exitTold(run string) bool {
	_, told := c.told.Peek(c.id("exit", run))
	return run != "" && told
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
