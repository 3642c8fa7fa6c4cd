package enrich

import (
	"slices"
)

// relation is one way in which a job on another unit asks for a job on this one:
// the property of this unit that names the other, and the dependency's own name
// as it stands in the other's (or this one's) unit file (evidence §8.2).
type relation struct{ property, name string }

var (
	pulls = []relation{{"BoundBy", "BindsTo"}, {"RequiredBy", "Requires"}, {"RequisiteOf", "Requisite"}, {"UpheldBy", "Upholds"}, {"WantedBy", "Wants"}}
	stops = []relation{{"BindsTo", "BindsTo"}, {"Requires", "Requires"}, {"Requisite", "Requisite"}, {"PartOf", "PartOf"}, {"StopPropagatedFrom", "PropagatesStopTo"}}
	clash = []relation{{"Conflicts", "Conflicts"}, {"ConflictedBy", "Conflicts"}}
	loads = []relation{{"ReloadPropagatedFrom", "PropagatesReloadTo"}}
)

// asks lists, for a job's type, the relations by which another unit's job of the
// given types asks for it.
type asks struct {
	types     []string
	relations []relation
}

func asksFor(jobType string) []asks {
	if list, ok := asksOf[jobType]; ok {
		return list
	}
	return asksOf[""]
}

var (
	startTypes = []string{"", ActionStart, ActionRestart, ActionNop}
	stopTypes  = []string{"", ActionStop, ActionRestart}

	// asksOf has them by type; "" is a type that is not known.
	asksOf = map[string][]asks{
		ActionStart:     {{startTypes, pulls}, {stopTypes, stops}}, // a restart whose stop half had nothing to do reads as start
		"verify-active": {{startTypes, pulls}, {stopTypes, stops}},
		ActionStop:      {{stopTypes, stops}, {startTypes, clash}},
		ActionRestart:   {{[]string{"", ActionStart, ActionRestart}, stops}},
		ActionReload:    {{[]string{"", ActionReload, ActionNop}, loads}},
		"":              {{startTypes, pulls}, {stopTypes, stops}, {startTypes, clash}, {[]string{ActionReload}, loads}},
	}
)

// byTransaction finds the job that pulled this one in. A transaction is a range of
// ids with the anchor lowest, built in one go; the dependency must say why.
func (c *Correlator) byTransaction(j *job) *why {
	parent, rel := c.lowestParent(j, asksFor(c.likelyType(j)), inOneGo)
	if parent == nil {
		return nil
	}
	w := &why{cause: CauseDependency, trigger: &Trigger{Unit: parent.unit.name, Relation: rel, JobID: parent.id}}
	w.root, w.tentative = c.rootOfJob(parent)
	w.evidence = []Evidence{{Source: "dbus", Says: "job of " + parent.unit.name + " came in the same transaction; " + rel + "= links the two"}}
	return w
}

// lowestParent finds, over the relations that can ask for a job, the lowest job that fits, and
// the dependency that leads to it.
func (c *Correlator) lowestParent(j *job, list []asks, fits func(m, j *job) bool) (parent *job, rel string) {
	for _, a := range list {
		for _, r := range a.relations {
			for _, name := range c.linked(j.unit, r.property) {
				if m := c.parentOn(name, j, a.types, fits); m != nil && (parent == nil || m.id < parent.id) {
					parent, rel = m, r.name
				}
			}
		}
	}
	return parent, rel
}

// parentOn finds, on a unit, the job of these types that fits as the one that asked for j.
func (c *Correlator) parentOn(name string, j *job, types []string, fits func(m, j *job) bool) *job {
	u := c.peek(name)
	if u == nil || u == j.unit {
		return nil
	}
	for _, m := range u.jobs {
		if m.id < j.id && slices.Contains(types, m.type_()) && fits(m, j) {
			return m
		}
	}
	return nil
}

// inOneGo: the two were announced together, and m has asked for no other job of j's unit.
func inOneGo(m, j *job) bool { return sameGo(m, j) && !answered(m, j) }

// manyJobs is how many JobNews one turn of PID 1's loop is sure to send before it
// runs any of the jobs (MANAGER_BUS_MESSAGE_BUDGET is 100 messages; evidence §2.4).
const manyJobs = 40

// sameGo says whether two jobs were announced together.
func sameGo(m, j *job) bool {
	if m.firstAt == 0 || j.firstAt == 0 {
		return false
	}
	if m.removedAt != 0 && m.removedAt < j.firstAt && j.inBurst < manyJobs {
		return false
	}
	return max(m.firstAt-j.firstAt, j.firstAt-m.firstAt) < nearby && (m.burst == j.burst || m.burst == 0 || j.burst == 0)
}

// answered: the transaction of m had its job on j's unit already; j is another's.
func answered(m, j *job) bool {
	return slices.ContainsFunc(j.unit.jobs, func(k *job) bool {
		return k != j && k.id > m.id && k.id < j.id && sameGo(m, k)
	})
}

// rootOfJob follows a job's cause to the unit where the chain began.
func (c *Correlator) rootOfJob(m *job) (root *Root, tentative bool) {
	w := c.why(m)
	tentative = w.tentative || m.verdict == nil && (w.rule == "exclusion" || w.cause == CauseUnknown)
	switch {
	case w.root != nil:
		return w.root, tentative
	case w.cause == CauseUnknown || w.cause == CauseDependency:
		return nil, tentative
	}
	return &Root{Unit: m.unit.name, Cause: w.cause}, tentative
}

// rootOfEnd follows the end of a unit's run just before a moment (mono, µs): it ended by
// itself, or a job ended it.
func (c *Correlator) rootOfEnd(u *unit, at int64) (root *Root, tentative bool) {
	end := c.lastEnd(u, 0)
	known := end.cause != "" && end.cause != CauseUnknown
	if known && !end.underJob && just(end.mono, at) {
		return &Root{Unit: u.name, Cause: end.cause}, false
	}
	if n := len(u.jobs); n > 0 {
		if m := u.jobs[n-1]; m.firstAt != 0 && (m.removedAt == 0 || at-m.removedAt < nearby) {
			return c.rootOfJob(m)
		}
	}
	if !known {
		return nil, len(u.exits) > 0
	}
	return &Root{Unit: u.name, Cause: end.cause}, false
}

// byIsolate: everything that the isolated target does not need is stopped.
func (c *Correlator) byIsolate(j *job) *why {
	if c.likelyType(j) != ActionStop {
		return nil
	}
	for _, u := range c.active {
		target := u.name
		if kind(target) != "target" || u == j.unit {
			continue
		}
		if m := c.parentOn(target, j, []string{"", ActionStart, ActionNop}, inOneGo); m != nil && m.isolated() {
			root, tentative := c.rootOfJob(m)
			return &why{cause: CauseDependency, trigger: &Trigger{Unit: target, Relation: "isolate", JobID: m.id}, root: root, tentative: tentative,
				evidence: []Evidence{{Source: "proc", Says: "systemctl isolates " + target + " in the same transaction"}}}
		}
	}
	return nil
}

// isolated says whether a client was isolating the target when its job came.
func (m *job) isolated() bool {
	if m.told {
		return m.verdict.client != nil && isolates(m.verdict.client) == m.unit.name
	}
	return slices.ContainsFunc(m.clients, func(cl Client) bool { return isolates(&cl) == m.unit.name })
}

func isolates(cl *Client) string {
	switch cl.Verb {
	case "isolate":
		if len(cl.Units) == 1 {
			if kind(cl.Units[0]) == "service" { // systemctl completes isolate's argument to a target
				return stem(cl.Units[0]) + ".target"
			}
			return cl.Units[0]
		}
	case "rescue", "emergency", "default":
		return verbTarget(cl.Verb)
	}
	return ""
}

// byHandler: OnFailure= and OnSuccess= jobs come right after their unit ended so;
// PID 1 logs that on the ended unit, without naming the handler.
func (c *Correlator) byHandler(j *job) *why {
	if !c.startsSomething(j) {
		return nil
	}
	for _, h := range []struct {
		property, relation string
		cause              Cause
		text               string
	}{
		{"OnFailureOf", "OnFailure", CauseOnFailure, "Triggering OnFailure="},
		{"OnSuccessOf", "OnSuccess", CauseOnSuccess, "Triggering OnSuccess="},
	} {
		for _, name := range c.linked(j.unit, h.property) {
			if proof := c.triggered(j, name, h.text, h.cause == CauseOnFailure); proof != nil {
				w := &why{cause: h.cause, trigger: &Trigger{Unit: name, Relation: string(h.cause)}, evidence: []Evidence{*proof}}
				if u := c.peek(name); u != nil && j.firstAt != 0 {
					w.root, w.tentative = c.rootOfEnd(u, j.firstAt)
				}
				return w
			}
		}
	}
	return nil
}

// triggered finds proof that a unit had just triggered its handlers.
func (c *Correlator) triggered(j *job, name, text string, failure bool) *Evidence {
	h := c.hinted(j, func(h hint) bool {
		return h.entry.Unit == name && h.entry.Source == SourceManager && containsText(h.entry, text)
	})
	if h != nil {
		return ptr(journalProof(h.entry))
	}
	u := c.peek(name)
	if u == nil || j.firstAt == 0 || !u.known || !isDown(u.state.Active) || (u.state.Active == "failed") != failure {
		return nil
	}
	if d := j.firstAt - u.state.InactiveEnter; d < -settling || d > nearby {
		return nil
	}
	return &Evidence{Source: "dbus", Says: name + " became " + u.state.Active + " just before"}
}
