package enrich

import "slices"

const (
	chainDepth = 5  // units without a job of their own between a job and the one that pulled it in
	chainWidth = 48 // units looked at for one job
)

// byChain: a unit in the middle of a transaction may have no job, because it is
// already as the job would make it; its own dependencies are followed all the same
// (transaction_drop_redundant comes last, transaction.c). So the way from a job to
// the one that asked for it can lead over units whose configuration must be read.
func (c *Correlator) byChain(j *job) *why {
	if j.firstAt == 0 || !c.company(j) {
		return nil
	}
	waits := false
	for _, a := range asksFor(c.likelyType(j)) {
		if slices.Equal(a.relations, clash) {
			continue // a conflict is never between: the unit that is stopped has the job
		}
		seen := map[string]bool{j.unit.name: true}
		for _, r := range a.relations {
			for _, name := range c.linked(j.unit, r.property) {
				m, unread := c.climb(j, name, a, seen, chainDepth)
				if m != nil {
					return c.chained(j, m, name, r.name)
				}
				waits = waits || unread
			}
		}
	}
	if waits {
		return &why{cause: CauseUnknown, missing: []string{"relation"}, tentative: true}
	}
	return nil
}

func (c *Correlator) chained(j, m *job, name, relation string) *why {
	w := &why{cause: CauseDependency, trigger: &Trigger{Unit: name, Relation: relation}}
	w.root, w.tentative = c.rootOfJob(m)
	w.evidence = []Evidence{{Source: "dbus", Says: "job of " + m.unit.name + " came in the same transaction and leads here over " + name + ", " + relation + "="}}
	return w
}

// climb follows a dependency upwards until a unit has a job of the same go; unread
// says that the way was lost at a unit whose configuration has not come yet.
func (c *Correlator) climb(j *job, name string, a asks, seen map[string]bool, depth int) (found *job, unread bool) {
	if seen[name] || depth == 0 || len(seen) > chainWidth {
		return nil, false
	}
	seen[name] = true
	if m := c.parentOn(name, j, a.types, inOneGo); m != nil {
		return m, false
	}
	u := c.peek(name)
	if u == nil || !u.configured {
		u = c.unit(name)
		c.wantConfig(u)
		return nil, true
	}
	for _, r := range a.relations {
		for _, above := range c.linked(u, r.property) {
			m, lost := c.climb(j, above, a, seen, depth-1)
			if m != nil {
				return m, false
			}
			unread = unread || lost
		}
	}
	return nil, unread
}
