package enrich

import "strings"

// byLogind: the scope of a login, the manager of a user and what belongs to it are
// started and stopped by systemd-logind over the bus (user@.service(5)), which leaves
// no client to be seen.
func (c *Correlator) byLogind(j *job) *why {
	if c.alone(j) || !c.ofLogind(j.unit) || j.listed || len(c.absent(j)) > 0 {
		return nil
	}
	return c.askedByLogind(j)
}

func (c *Correlator) askedByLogind(j *job) *why {
	return &why{cause: CauseAutomation, trigger: &Trigger{Unit: "systemd-logind.service", Relation: "automation"}, missing: []string{"requester"},
		evidence: []Evidence{c.proof(j.entries, "systemd-logind makes and ends "+j.unit.name+", and no other client was seen")}}
}

// ofLogind knows the names that logind gives (logind-session.c, logind-user.c).
func (c *Correlator) ofLogind(u *unit) bool {
	switch kind(u.name) {
	case "scope":
		return !c.host.User() && strings.HasPrefix(u.name, "session-")
	case "service":
		return !c.host.User() && (strings.HasPrefix(u.name, "user@") || strings.HasPrefix(u.name, "user-runtime-dir@"))
	}
	return false
}
