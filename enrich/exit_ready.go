package enrich

import (
	"slices"
	"strings"
)

// noteRestartWord takes from the unit's state that an ended run will be restarted.
func (c *Correlator) noteRestartWord(u *unit) {
	if !isWaitingRestart(u.state.Sub) {
		return
	}
	c.wordOfRestart(u)
	for _, j := range u.jobs {
		j.willRestart = j.willRestart || j.removedAt != 0 && !j.told
	}
}

// wordOfRestart: it will be, or is being, restarted automatically.
func (c *Correlator) wordOfRestart(u *unit) {
	if x := u.lastExit(); x != nil {
		x.restart, x.next = ptr(true), true
	}
}

// willRestart says whether systemd restarts the unit by itself, nil while it may
// still tell. From 254 on the sub-state itself tells (evidence §6.3); before, the
// auto-restart state follows the failed one within the same turn of its loop.
func (c *Correlator) willRestart(x *exit, late bool) *bool {
	u := x.unit
	switch {
	case x.restart != nil:
		return x.restart
	case !x.fromBus:
		return nil
	case kind(u.name) != "service" || c.subStateTells() || u.configured && u.config.Restart == "no":
		return ptr(c.upholder(u) != "")
	case late && c.saw(WitnessBus, x.seenAt):
		return ptr(c.upholder(u) != "")
	}
	return nil
}

// subStateTells: since systemd 254 a service that will be restarted goes through
// failed-before-auto-restart or dead-before-auto-restart.
func (c *Correlator) subStateTells() bool { return major(c.host.Systemd) >= 254 }

// exitReady says whether all evidence on an ended run is in, or no more will come.
func (c *Correlator) exitReady(x *exit) bool {
	late := c.mono-x.seenAt >= c.opt.Deadline || !x.fromBus && c.readPast(x.seenAt, x.endTime+c.opt.Deadline)
	switch {
	case x.unit.waitsBefore(x), c.waitsBehind(x):
		return false
	case c.surelyUnderJob(x):
		return true
	case late && (x.fromBus || c.covers(x.endTime) || c.caughtUp()):
		return true
	case !x.fromBus && !c.covers(x.endTime):
		return x.next // the past: the unit's next entry tells what became of it
	case !x.fromBus:
		return false
	case x.closing == nil && c.entryTime <= x.wordTime:
		return false
	}
	restart := c.willRestart(x, late)
	if restart == nil || !*restart && !x.unit.configured { // configuration tells who upholds it
		c.wantConfig(x.unit)
		return false
	}
	return c.logReady(x)
}

// waitsBefore: a job of the unit that was over before the run ended is told first.
func (u *unit) waitsBefore(x *exit) bool {
	return slices.ContainsFunc(u.jobs, func(j *job) bool {
		return !j.told && j.removedAt != 0 && x.end != 0 && j.removedAt <= x.seenAt && j.end.ActiveEnter == x.started && x.started != 0 && (!j.began.stop || j.began.start)
	})
}

// waitsBehind: an earlier run of the unit is told first; and a reload that ran shows only
// afterwards whether it is over, too, or has become a restart.
func (c *Correlator) waitsBehind(x *exit) bool {
	if slices.Index(x.unit.exits, x) > 0 {
		return true
	}
	j := x.unit.openJob(x.left.job)
	return x.left.job != 0 && j != nil && j.type_() == ActionReload && j.removedAt == 0 && c.mono-x.seenAt < c.opt.Deadline
}

// logReady: a failure waits for the unit's own last lines.
func (c *Correlator) logReady(x *exit) bool {
	if x.log != nil || c.opt.LogLines < 0 || x.invocation == "" || !c.journalUp() || c.assess(x).failure == "" {
		return true
	}
	if !x.logAsked {
		x.logAsked = true
		c.wantLog(x.unit.name, x.invocation)
	}
	return false
}

func (c *Correlator) wantLog(unit, invocation string) {
	c.wants.Logs = append(c.wants.Logs, LogRequest{Unit: unit, Invocation: invocation, N: c.opt.LogLines})
}

// logged takes in the last lines of a run, for whichever failure waits for them.
func (c *Correlator) logged(o Observation) {
	u := c.peek(o.Unit)
	if u == nil {
		return
	}
	if x := u.exitOf(o.Log.Invocation); x != nil {
		x.log = &o.Log
	}
	for _, j := range u.jobs {
		if !j.told && j.logAsked {
			j.log = &o.Log
		}
	}
}

// settleExits judges the runs whose evidence is complete.
func (c *Correlator) settleExits() {
	for _, x := range slices.Clone(c.exits) {
		if c.exitReady(x) {
			c.judge(x)
		}
	}
}

// flushExits judges what awaits word that will not come.
func (c *Correlator) flushExits() {
	for _, x := range slices.Clone(c.exits) {
		c.judge(x)
	}
}

// major is the first number of a version such as "252.39-1~deb12u2", 0 if there is none.
func major(version string) int {
	n := 0
	for _, r := range strings.TrimLeft(version, "v") {
		if r < '0' || r > '9' || n > 1e6 {
			break
		}
		n = n*10 + int(r-'0')
	}
	return n
}
