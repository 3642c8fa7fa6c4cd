package enrich

import (
	"fmt"
	"slices"
	"strings"
)

// byAutoRestart: the unit's own last end is the reason.
func (c *Correlator) byAutoRestart(j *job) *why {
	if j.auto == nil && !j.autoState || j.stopLog {
		return nil
	}
	if t := j.type_(); t == ActionStop || t == ActionReload {
		return nil
	}
	w := &why{cause: CauseUnknown}
	if j.auto != nil {
		w.evidence = append(w.evidence, journalProof(*j.auto))
	} else {
		w.evidence = append(w.evidence, Evidence{Source: "dbus", Says: fmt.Sprintf("%s went from auto-restart to its restart, NRestarts=%d", j.unit.name, j.unit.process.Restarts)})
	}
	last := c.lastEnd(j.unit, j.firstAt)
	switch {
	case c.otherRun(j, last):
		w.missing = append(w.missing, "history")
	case last.cause != "" && last.cause != CauseUnknown:
		w.cause = last.cause
		w.evidence = append(slices.Clone(last.evidence), w.evidence...)
	case failedAlone(j.beforeProcess):
		w.cause = CauseCrash
	default:
		w.missing = append(w.missing, "history")
	}
	return w
}

// failedAlone: the Result that the last run left is of a failure that no client's signal
// brings about.
func failedAlone(p Process) bool {
	switch p.Result {
	case "", "success":
		return false
	case "signal":
		return !maybeSentByClient(exitOf(nil, p, 0))
	}
	return true
}

// lastEnd is how the unit's last run before a moment (mono, µs; 0 for now) ended, told or
// still being judged.
func (c *Correlator) lastEnd(u *unit, at int64) ended {
	for _, x := range slices.Backward(u.exits) {
		if !x.dropped && (at == 0 || x.end <= at) && !c.underJob(x) {
			end := c.assess(x)
			end.evidence = c.exitProof(x)
			return end
		}
	}
	return u.last
}

// isTrigger knows the types of units that start others by themselves.
func isTrigger(unit string) bool {
	switch kind(unit) {
	case "timer", "path", "socket", "automount":
		return true
	}
	return false
}

// byTrigger: a manual start puts a socket into running too, but only after the
// job is gone; so only what fired before the job was announced counts.
func (c *Correlator) byTrigger(j *job) *why {
	if !c.startsSomething(j) {
		return nil
	}
	if f, _ := c.firedFor(j); f != nil {
		t := kind(f.unit)
		return &why{cause: Cause(t), trigger: &Trigger{Unit: f.unit, Relation: t}, evidence: []Evidence{
			{Source: "dbus", Says: f.unit + " began to run just before the job came"}}}
	}
	return c.byAutomountEntry(j)
}

// startsSomething: triggers only ever make start jobs; one on a unit that is up
// already ends as a job without effect.
func (c *Correlator) startsSomething(j *job) bool {
	t := j.type_()
	return t == "" || t == ActionStart || t == ActionNop
}

// byAutomountEntry: PID 1 logs who touched the mount point.
func (c *Correlator) byAutomountEntry(j *job) *why {
	if kind(j.unit.name) != "mount" {
		return nil
	}
	h := c.hinted(j, func(h hint) bool {
		return strings.HasPrefix(lastClause(h.entry), "Got automount request") &&
			(slices.Contains(j.unit.config.Deps["TriggeredBy"], h.entry.Unit) || stem(h.entry.Unit) == stem(j.unit.name))
	})
	if h == nil {
		return nil
	}
	return &why{cause: CauseAutomount, trigger: &Trigger{Unit: h.entry.Unit, Relation: "automount"},
		evidence: []Evidence{journalProof(h.entry)}}
}

func stem(unit string) string { return strings.TrimSuffix(unit, "."+kind(unit)) }

// byConnection: an Accept=yes socket stays listening and makes an instance
// NAME@COUNT-… for each connection (socket_enter_running, socket.c).
func (c *Correlator) byConnection(j *job) *why {
	if !c.startsSomething(j) || !ofConnection(j.unit.name) {
		return nil
	}
	for _, t := range j.unit.config.Deps["TriggeredBy"] {
		if kind(t) == "socket" {
			return &why{cause: CauseSocket, trigger: &Trigger{Unit: t, Relation: "socket"}, evidence: []Evidence{
				{Source: "dbus", Says: j.unit.name + " is the instance that " + t + " made for a connection"}}}
		}
	}
	return nil
}

// ofConnection says whether a unit's name is as a socket gives it to an instance.
func ofConnection(name string) bool {
	_, instance, _ := strings.Cut(stem(name), "@")
	return instance != "" && instance[0] >= '0' && instance[0] <= '9' && strings.Contains(instance, "-")
}
