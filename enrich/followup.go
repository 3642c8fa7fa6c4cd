package enrich

import "slices"

// byFollowUp: systemd's own answer to another unit's change of state, in a
// transaction of its own (evidence §8.2, the rows marked separate). Signals of two
// units come in no causal order, so their timestamps decide.
func (c *Correlator) byFollowUp(j *job) *why {
	if j.firstAt == 0 {
		return nil
	}
	switch c.likelyType(j) {
	case ActionStop:
		if w := c.byLoss(j); w != nil {
			return w
		}
		return c.byUnneeded(j)
	case ActionStart:
		if w := c.byArrival(j); w != nil {
			return w
		}
		return c.byUpholder(j)
	case ActionReload:
		return c.byReloading(j)
	}
	return nil
}

// likelyType guesses at the type of a job that has not shown it: a young one on a unit
// that is up mostly ends it; one that is over and did nothing asked for what was there.
func (c *Correlator) likelyType(j *job) string {
	t := j.type_()
	switch {
	case t == "" && j.removed && c.nothingDone(j):
		return map[bool]string{true: ActionStart, false: ActionStop}[isUp(j.end.Active)]
	case t == "" && j.beforeKnown:
		return map[bool]string{true: ActionStop, false: ActionStart}[isUp(j.before.Active)]
	}
	return t
}

// byLoss: a unit that this one is bound to, or that propagates its stop, went down.
func (c *Correlator) byLoss(j *job) *why {
	for _, r := range []relation{{"BindsTo", "BindsTo"}, {"StopPropagatedFrom", "PropagatesStopTo"}} {
		for _, name := range c.linked(j.unit, r.property) {
			u := c.peek(name)
			if u == nil || !u.known || isUp(u.state.Active) || !just(lastDown(u), j.firstAt) {
				continue
			}
			return c.follows(j, u, r.name, u.name+" went down just before")
		}
	}
	return nil
}

// lastDown is when a unit last went down: when a service restarts itself on the
// spot, when it left the active state.
func lastDown(u *unit) int64 { return max(u.state.InactiveEnter, u.state.ActiveExit) }

// just says whether something happened just before a moment.
func just(at, moment int64) bool {
	return at != 0 && moment-at < nearby && moment-at > -settling
}

func (c *Correlator) follows(j *job, u *unit, relation, says string) *why {
	root, tentative := c.rootOfEnd(u, j.firstAt)
	return &why{cause: CauseDependency, trigger: &Trigger{Unit: u.name, Relation: relation}, root: root, tentative: tentative,
		evidence: []Evidence{{Source: "dbus", Says: says}}}
}

// byUnneeded: StopWhenUnneeded=, and the last unit that needed it just went down.
func (c *Correlator) byUnneeded(j *job) *why {
	if !j.unit.config.StopWhenUnneeded {
		return nil
	}
	var last *unit
	for _, r := range pulls {
		for _, name := range c.linked(j.unit, r.property) {
			u := c.peek(name)
			if u == nil || !u.known {
				continue
			}
			if isUp(u.state.Active) {
				return nil
			}
			if just(lastDown(u), j.firstAt) && (last == nil || lastDown(u) > lastDown(last)) {
				last = u
			}
		}
	}
	if last == nil {
		return nil
	}
	return c.follows(j, last, "StopWhenUnneeded", last.name+", the last that needed it, went down just before")
}

// byUpholder: Upholds= starts a unit again whenever it is down.
func (c *Correlator) byUpholder(j *job) *why {
	name := c.upholder(j.unit)
	if name == "" {
		return nil
	}
	return &why{cause: CauseDependency, trigger: &Trigger{Unit: name, Relation: "Upholds"},
		evidence: []Evidence{{Source: "dbus", Says: name + " upholds it, and it was down"}}}
}

// upholder is a unit that is up and upholds this one, "" for none.
func (c *Correlator) upholder(u *unit) string {
	for _, name := range c.linked(u, "UpheldBy") {
		up := c.peek(name)
		if known := up != nil && up.known; known && isUp(up.state.Active) || !known && c.boot.up(name) {
			return name
		}
	}
	return ""
}

// byArrival: a unit that wants this one became active without a job: a device that
// was plugged in, a mount that appeared.
func (c *Correlator) byArrival(j *job) *why {
	for _, r := range pulls {
		for _, name := range c.linked(j.unit, r.property) {
			u := c.peek(name)
			if !j.arrived(name, u) || u != nil && c.hadJob(u, j.firstAt) {
				continue
			}
			if kind(name) == "device" {
				return &why{cause: CauseDevice, trigger: &Trigger{Unit: name, Relation: "device"},
					evidence: []Evidence{{Source: "dbus", Says: name + " appeared just before"}}}
			}
			w := c.follows(j, u, r.name, u.name+" became active without a job just before")
			w.root = nil
			return w
		}
	}
	return nil
}

// arrived says whether a unit became active just before a job came.
func (j *job) arrived(name string, u *unit) bool {
	return slices.Contains(j.plugged, name) || u != nil && u.known && isUp(u.state.Active) && just(u.state.ActiveEnter, j.firstAt)
}

func (c *Correlator) hadJob(u *unit, at int64) bool {
	return u.state.Job != 0 || slices.ContainsFunc(u.jobs, func(m *job) bool {
		return m.removedAt == 0 || just(m.removedAt, at)
	})
}

// byReloading: a service that reloads by itself takes others with it.
func (c *Correlator) byReloading(j *job) *why {
	for _, name := range c.linked(j.unit, "ReloadPropagatedFrom") {
		u := c.peek(name)
		if u != nil && u.known && (u.state.Active == "reloading" || just(u.state.Changed, j.firstAt)) {
			w := c.follows(j, u, "PropagatesReloadTo", u.name+" reloads by itself")
			w.root = nil
			return w
		}
	}
	return nil
}

// byOwnReload: when a service says RELOADING=1, systemd makes a job without effect for it, to
// head the transaction of what it propagates the reload to (manager_propagate_reload): 252
// always, 257 where there is something to propagate it to (measured).
func (c *Correlator) byOwnReload(j *job) *why {
	if t := j.type_(); t != "" && t != ActionNop || j.before.Active != "reloading" || j.before.Job != 0 || !just(j.before.Changed, j.firstAt) {
		return nil
	}
	return &why{cause: CauseDependency, trigger: &Trigger{Unit: j.unit.name, Relation: "PropagatesReloadTo"},
		evidence: []Evidence{{Source: "dbus", Says: j.unit.name + " began to reload by itself just before the job came"}}}
}
