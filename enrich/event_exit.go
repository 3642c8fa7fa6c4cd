package enrich

import (
	"fmt"
	"slices"
	"strconv"
)

// exitEvent tells a run that ended outside a running job.
func (c *Correlator) exitEvent(x *exit, end ended) Event {
	u := x.unit
	c.stats.Exits++
	e := c.blank(u.name, ActionExit)
	e.ID = c.exitID(x)
	e.Time = Stamp(x.endTime)
	if x.closing != nil && x.closing.Time != 0 {
		e.Time = Stamp(x.closing.Time)
	}
	e.Result, e.Cause, e.Failure, e.Exit = "done", end.cause, end.failure, end.exit
	if end.failure != "" {
		e.Result = "failed"
	}
	if x.fromBus {
		e.State = &Sub{x.state.Active, x.state.Sub}
		e.Restarts = restartsIf(x.process)
	}
	e.WillRestart = c.willRestart(x, true)
	e.InvocationID = x.invocation
	e.UptimeS = x.uptime()
	if x.log != nil && end.failure != "" {
		e.Log = x.log.Lines
	}
	if end.cause == CauseCrash {
		u.crashes = recent(append(u.crashes, int64(e.Time)), int64(e.Time))
	}
	e.RecentRestarts = len(recent(u.restarts, int64(e.Time)))
	e.Evidence = c.exitProof(x)
	e.Missing = c.exitMissing(x, end)
	c.dress(&e, u, false)
	return e
}

// exitID: the first end of an invocation wins; a unit without one (a device, a
// target) is known by when it changed.
func (c *Correlator) exitID(x *exit) string {
	if x.invocation != "" {
		return c.id("exit", x.invocation)
	}
	return c.id("exit", x.unit.name+"/"+strconv.FormatInt(x.state.Changed, 10))
}

func restartsIf(p Process) *uint32 {
	if p.Iface != "service" {
		return nil
	}
	return ptr(p.Restarts)
}

// uptime is how long the run had been active, in seconds.
func (x *exit) uptime() *float64 {
	switch {
	case x.started != 0 && x.state.ActiveExit >= x.started:
		return ptr(seconds(x.state.ActiveExit - x.started))
	case x.startTime != 0 && x.closing != nil:
		return ptr(seconds(x.closing.Time - x.startTime))
	}
	return nil
}

// exitProof lists what the verdict on a run rests on.
func (c *Correlator) exitProof(x *exit) []Evidence {
	var proof []Evidence
	if kill := killedByClient(x.loose, ended{time: x.endTime, exit: exitOf(x.loose, x.process, x.started)}); kill != nil {
		proof = append(proof, journalProof(*kill))
	}
	for _, e := range x.loose {
		if e.MessageID == MsgProcessExit || e.MessageID == MsgSpawnFailed || e.MessageID == MsgOutOfMemory || e.MessageID == MsgOomdKill ||
			e.MessageID == "" && containsText(e, "timed out") || containsText(e, "runtime time limit") || containsText(e, "Watchdog timeout") {
			proof = append(proof, journalProof(e))
		}
	}
	if x.closing != nil {
		proof = append(proof, journalProof(*x.closing))
	}
	if x.fromBus {
		says := fmt.Sprintf("%s became %s/%s", x.unit.name, x.state.Active, x.state.Sub)
		if x.process.Result != "" {
			says += ", Result=" + x.process.Result
		}
		proof = append(proof, Evidence{Source: "dbus", Says: says})
	}
	return uniq(proof)
}

func (c *Correlator) exitMissing(x *exit, end ended) []string {
	var missing []string
	if x.closing == nil && logsResult(kind(x.unit.name)) && !c.silenced(x.unit) && !(c.endsQuietly(x, end.failure) && end.cause != CauseUnknown) {
		missing = append(missing, "journal")
	}
	if c.live() && !x.fromBus {
		missing = append(missing, "dbus")
	}
	if !c.live() && x.startTime == 0 {
		missing = append(missing, "history")
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// logsResult: types that log how each run ended (unit_log_result's callers).
func logsResult(kind string) bool {
	return kind == "service" || kind == "socket" || kind == "mount" || kind == "swap" || kind == "scope"
}

// reset tells that a failed unit was cleared without a job, so that nothing stays
// critical for ever. Only a client's reset-failed does that.
func (c *Correlator) reset(u *unit, changed int64) {
	e := c.resetEvent(u, changed, c.time)
	e.Cause = CauseManual
	e.Evidence = []Evidence{{Source: "dbus", Says: u.name + " went from failed to inactive without a job"}}
	e.Missing = []string{"requester"}
	c.dress(&e, u, false)
	c.emit(e)
}

func (c *Correlator) resetEvent(u *unit, changed, time int64) Event {
	e := c.blank(u.name, ActionReset)
	e.ID = c.id("reset", u.name+"/"+strconv.FormatInt(changed, 10))
	e.Time = Stamp(time)
	e.Result = "done"
	e.State = &Sub{"inactive", "dead"}
	return e
}
