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

// end is one end of a dependency: a unit and its property.
type end struct{ unit, property string }

// setConfig replaces a unit's configuration, and what it says of other units' ends.
func (c *Correlator) setConfig(u *unit, config Config) {
	for property, names := range u.config.Deps {
		for _, name := range names {
			e := end{name, inverse[property]}
			if left := slices.DeleteFunc(c.ends[e], func(s string) bool { return s == u.name }); len(left) > 0 {
				c.ends[e] = left
			} else {
				delete(c.ends, e)
			}
		}
	}
	u.config = config
	for property, names := range config.Deps {
		if inverse[property] == "" {
			continue
		}
		for _, name := range names {
			e := end{name, inverse[property]}
			c.ends[e] = append(c.ends[e], u.name)
		}
	}
}

// linked lists the units that a unit's dependency names, by its own configuration
// or by theirs.
func (c *Correlator) linked(u *unit, property string) []string {
	names := u.config.Deps[property]
	for _, name := range c.ends[end{u.name, property}] {
		if !slices.Contains(names, name) {
			names = append(names[:len(names):len(names)], name)
		}
	}
	return names
}

// keptActive is how many units that had a job lately are looked at as company.
const keptActive = 256

// touch makes a unit the newest of those that something happened to.
func (c *Correlator) touch(u *unit) {
	u.touched = c.mono
	if n := len(c.active); n > 0 && c.active[n-1] == u {
		return
	}
	c.active = append(slices.DeleteFunc(c.active, func(v *unit) bool { return v == u }), u)
	if len(c.active) > keptActive {
		c.activeLost = c.active[0].touched
		c.active = slices.Delete(c.active, 0, 1)
	}
}

// unread says whether a unit that may be behind the job, because it had a job in the
// same go or went down just before, has not shown its configuration yet; it is asked for.
func (c *Correlator) unread(j *job) bool {
	unread := false
	for _, u := range c.active {
		if u == j.unit || u.configured {
			continue
		}
		wentDown := u.known && !isUp(u.state.Active) && just(lastDown(u), j.firstAt)
		if wentDown || slices.ContainsFunc(u.jobs, func(m *job) bool { return m.id < j.id && sameGo(m, j) }) {
			c.wantConfig(u)
			unread = true
		}
	}
	return unread
}
