package enrich

import "slices"

// alone says whether the journal is the only witness of a job.
func (c *Correlator) alone(j *job) bool {
	return !c.live() || j.firstAt == 0 && !c.covers(j.newTime)
}

// byPastTransaction is byTransaction from entries. That the two jobs were announced
// together cannot be seen; but a job on the other unit would have asked for one on this
// unit, so if this unit has but one, it is that.
func (c *Correlator) byPastTransaction(j *job) *why {
	if !c.alone(j) || len(j.entries) == 0 || !j.unit.readable() || c.boot.mayHave(j) || c.shutdown.begun() {
		return nil
	}
	parent, rel := c.lowestParent(j, pastAsks(j.type_()), inOneRange)
	if parent == nil {
		return nil
	}
	if c.boot.range_(parent) {
		return &why{cause: CauseBoot, evidence: []Evidence{parent.proof("the boot's job of " + parent.unit.name + " pulled it in; " + rel + "= links the two")}}
	}
	w := &why{cause: CauseDependency, trigger: &Trigger{Unit: parent.unit.name, Relation: rel, JobID: parent.id}}
	if c.pastReady(parent) {
		w.root, _ = c.rootOfJob(parent)
	}
	w.evidence = []Evidence{parent.proof("job of " + parent.unit.name + " came just then, with a lower id; " + rel + "= links the two")}
	return w
}

// proof shows a job that asked for another.
func (j *job) proof(says string) Evidence {
	if cursor := j.cursor(); cursor != "" {
		return Evidence{Source: "journal", Cursor: cursor, Says: says}
	}
	return Evidence{Source: "dbus", Says: says}
}

// cursor is that of the last of the job's entries that is still known.
func (j *job) cursor() string {
	switch n := len(j.entries); {
	case j.closing != nil:
		return j.closing.Cursor
	case n > 0:
		return j.entries[n-1].Cursor
	}
	return ""
}

// pastAsks are asksFor with what only the bus could make sure of left out: a start that
// was the rest of a restart.
func pastAsks(jobType string) []asks {
	switch jobType {
	case ActionStart:
		return []asks{{[]string{ActionStart, ActionRestart}, pulls}}
	case ActionStop, ActionRestart, ActionReload:
		return asksFor(jobType)
	}
	return nil
}

// inOneRange: the ids and the entries of the two are near enough for m to have asked for j, and
// m has asked for no other job of j's unit.
func inOneRange(m, j *job) bool {
	return j.id-m.id < idRange && beside(m, j) && !pastAnswered(m, j) &&
		(j.type_() != ActionRestart || m.type_() == ActionRestart || m.auto != nil)
}

// beside says whether the entries of two jobs lie within the same seconds.
func beside(m, j *job) bool {
	last := func(k *job) int64 { return max(k.newTime, k.endTime) }
	return m.newTime != 0 && m.newTime-last(j) < nearby && j.newTime-last(m) < nearby
}

// pastAnswered: the unit had its job of m's transaction already.
func pastAnswered(m, j *job) bool {
	return slices.ContainsFunc(j.unit.jobs, func(k *job) bool { return k != j && m.id < k.id && k.id < j.id })
}
