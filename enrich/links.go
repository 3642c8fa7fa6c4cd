package enrich

import "slices"

// inverse pairs the two ends of each dependency. systemd keeps the far end only
// while both units are loaded, so what one unit's configuration does not show the
// other's may (measured: a unit read after its counterpart was unloaded).
var inverse = map[string]string{
	"Requires": "RequiredBy", "RequiredBy": "Requires", "Requisite": "RequisiteOf", "RequisiteOf": "Requisite",
	"Wants": "WantedBy", "WantedBy": "Wants", "BindsTo": "BoundBy", "BoundBy": "BindsTo",
	"PartOf": "ConsistsOf", "ConsistsOf": "PartOf", "Upholds": "UpheldBy", "UpheldBy": "Upholds",
	"Conflicts": "ConflictedBy", "ConflictedBy": "Conflicts", "OnFailure": "OnFailureOf", "OnFailureOf": "OnFailure",
	"OnSuccess": "OnSuccessOf", "OnSuccessOf": "OnSuccess", "Triggers": "TriggeredBy", "TriggeredBy": "Triggers",
	"PropagatesReloadTo": "ReloadPropagatedFrom", "ReloadPropagatedFrom": "PropagatesReloadTo",
	"PropagatesStopTo": "StopPropagatedFrom", "StopPropagatedFrom": "PropagatesStopTo",
}

// keptActive is how many units that had a job or changed state lately are looked at
// for the near end of a dependency.
const keptActive = 256

// touch makes a unit the newest of those that something happened to.
func (c *Correlator) touch(u *unit) {
	if n := len(c.active); n > 0 && c.active[n-1] == u {
		return
	}
	c.active = append(slices.DeleteFunc(c.active, func(v *unit) bool { return v == u }), u)
	if len(c.active) > keptActive {
		c.active = slices.Delete(c.active, 0, 1)
	}
}

// linked lists the units that a unit's dependency names, by its own configuration
// or by that of a unit that something happened to lately.
func (c *Correlator) linked(u *unit, property string) []string {
	names := u.config.Deps[property]
	for _, v := range c.active {
		if v != u && slices.Contains(v.config.Deps[inverse[property]], u.name) && !slices.Contains(names, v.name) {
			names = append(names[:len(names):len(names)], v.name)
		}
	}
	return names
}

// unread says whether a unit that may be behind the job has not shown its
// configuration yet.
func (c *Correlator) unread(j *job) bool {
	return slices.ContainsFunc(c.active, func(u *unit) bool {
		return u != j.unit && u.asked && !u.configured && slices.ContainsFunc(u.jobs, func(m *job) bool { return m.id < j.id && sameGo(m, j) })
	})
}
