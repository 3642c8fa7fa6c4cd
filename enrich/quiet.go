package enrich

// endsQuietly: a user's manager logs "Deactivated successfully." at DEBUG, PID 1 at INFO
// (systemd 252 src/core/unit.c unit_log_success), so that a run that ends well leaves no entry.
func (c *Correlator) endsQuietly(x *exit, failure string) bool {
	return c.host.User() && failure == "" && x.fromBus && x.process.Result == "success"
}

// takeQuiet moves the unit's loose entries to a run whose end has no entry of its own.
func (c *Correlator) takeQuiet(u *unit) {
	if x := u.lastExit(); x != nil && x.closing == nil && c.endsQuietly(x, "") {
		loose, from := u.takeLoose()
		x.loose, x.from = append(x.loose, loose...), earlier(x.from, from)
	}
}

// otherRun: the end that was seen last is not of the run that systemd restarts. Its end
// left no entry: a user's manager tells only of failures.
func (c *Correlator) otherRun(j *job, last ended) bool {
	return !c.live() && j.auto != nil && j.auto.Invocation != "" && last.invocation != "" && last.invocation != j.auto.Invocation
}
