package enrich

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

func (c *Correlator) id(kind, key string) string {
	return c.host.BootID + "/" + cmp.Or(c.host.Manager, "system") + "/" + kind + "/" + key
}

func (c *Correlator) blank(unit, action string) Event {
	return Event{Host: c.host.Name, BootID: c.host.BootID, Manager: cmp.Or(c.host.Manager, "system"), Unit: unit, Action: action}
}

// jobEvent tells a finished job.
func (c *Correlator) jobEvent(j *job, o outcome, w *why) Event {
	u := j.unit
	e := c.blank(u.name, o.action)
	e.ID = c.id("job", strconv.FormatUint(uint64(j.id), 10))
	e.Time = Stamp(c.jobTime(j))
	e.Result, e.Failure, e.Exit = o.result, o.failure, o.exit
	e.Cause, e.Trigger, e.Root, e.Requester = w.cause, w.trigger, w.root, w.requester
	e.InvocationID, e.WillRestart = o.invocation, o.restart
	if j.endKnown && j.end.Active != "" {
		e.State = &Sub{j.end.Active, j.end.Sub}
	}
	e.Job = j.info(o)
	e.Restarts = c.restartsOf(j)
	e.RecentRestarts = len(recent(u.restarts, j.endTime))
	e.UptimeS = j.uptime(o)
	if j.log != nil && o.failure != "" {
		e.Log = j.log.Lines
	}
	c.nameDependency(&e, j)
	e.Evidence = c.jobProof(j, w)
	e.Missing = c.jobMissing(j, o, w)
	c.dress(&e, u, w.rule == "auto-restart")
	return e
}

// jobTime is when the job ended: the closing entry's source time, else the last
// change of state, else when its end was heard of.
func (c *Correlator) jobTime(j *job) int64 {
	switch {
	case j.closing != nil && j.closing.Time != 0:
		return j.closing.Time
	case j.endKnown && j.end.ChangedTime != 0 && j.firstAt != 0 && j.end.Changed >= j.firstAt-settling:
		return j.end.ChangedTime
	}
	return j.endTime
}

func (j *job) info(o outcome) *JobInfo {
	info := &JobInfo{ID: j.id, Type: j.type_(), Result: j.result, Attempts: o.attempts, SupersededBy: j.supersededBy}
	if j.newAt != 0 && j.removed {
		info.DurationS = ptr(seconds(j.removedAt - j.newAt))
	}
	return info
}

// seconds turns µs into seconds.
func seconds(us int64) float64 { return float64(max(us, 0)) / 1e6 }

// restartsOf is systemd's counter of automatic restarts.
func (c *Correlator) restartsOf(j *job) *uint32 {
	if j.process.Iface == "service" {
		return ptr(j.process.Restarts)
	}
	if j.auto != nil {
		return parseCount(j.auto.Restarts)
	}
	return nil
}

func parseCount(s string) *uint32 {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return ptr(uint32(n))
	}
	return nil
}

// uptime is how long the run that a stop ended had been active.
func (j *job) uptime(o outcome) *float64 {
	if o.action != ActionStop || !j.began.stop || !j.endKnown || j.end.ActiveEnter == 0 || j.end.ActiveExit < j.end.ActiveEnter {
		return nil
	}
	return ptr(seconds(j.end.ActiveExit - j.end.ActiveEnter))
}

// nameDependency names the unit whose failed job took this one with it. It is the
// trigger only where the cause has none of its own.
func (c *Correlator) nameDependency(e *Event, j *job) {
	if j.result != "dependency" {
		return
	}
	var culprit *job
	var by string
	for _, r := range []relation{{"BindsTo", "BindsTo"}, {"Requires", "Requires"}, {"Requisite", "Requisite"}} {
		for _, name := range c.linked(j.unit, r.property) {
			if m := c.failedOn(name, j); m != nil && (culprit == nil || m.removedAt > culprit.removedAt) {
				culprit, by = m, r.name
			}
		}
	}
	if culprit == nil {
		return
	}
	e.FailedDependency = &Trigger{Unit: culprit.unit.name, Relation: by, JobID: culprit.id}
	e.Trigger = cmp.Or(e.Trigger, e.FailedDependency)
}

// failedOn finds on a unit the job that failed just before j was given up.
func (c *Correlator) failedOn(name string, j *job) *job {
	u := c.peek(name)
	if u == nil {
		return nil
	}
	for _, m := range u.jobs {
		if m != j && m.result != "" && m.result != "done" && m.removedAt != 0 && m.removedAt <= j.removedAt && j.removedAt-m.removedAt < nearby {
			return m
		}
	}
	return nil
}

// jobProof lists what the event rests on: why it was asked for, then how it ended.
func (c *Correlator) jobProof(j *job, w *why) []Evidence {
	proof := slices.Clone(w.evidence)
	for _, e := range j.loose {
		if provesEnd(e) {
			proof = append(proof, journalProof(e))
		}
	}
	if j.closing != nil {
		proof = append(proof, journalProof(*j.closing))
	}
	if j.removed {
		proof = append(proof, Evidence{Source: "dbus", Says: fmt.Sprintf("JobRemoved %d %s %s", j.id, j.unit.name, j.result)})
	}
	return uniq(proof)
}

func uniq(list []Evidence) []Evidence {
	var out []Evidence
	for _, e := range list {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

func (c *Correlator) jobMissing(j *job, o outcome, w *why) []string {
	missing := append(slices.Clone(w.missing), o.missing...)
	if c.live() && j.firstAt != 0 && j.newAt == 0 {
		missing = append(missing, "job_new")
	}
	if c.live() && !j.removed {
		missing = append(missing, "job_removed")
	}
	if o.action == "" {
		missing = append(missing, "type")
	}
	if c.live() && j.removed && !j.endKnown {
		missing = append(missing, "state")
	}
	if c.live() && j.closing == nil && (o.action == ActionStart || o.action == ActionRestart || o.action == ActionStop || o.action == ActionReload) &&
		!c.journalRead(j) {
		missing = append(missing, "journal")
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}
