package enrich

import "strings"

// askers are the clients that were alive when a job came, ask for it and have not had a
// job of the unit yet: the first, and whether others ask with another verb or would make
// another cause.
type askers struct {
	first         *Client
	verbs, causes bool
}

func (c *Correlator) asking(j *job) (a askers) {
	for i := range j.clients {
		cl := &j.clients[i]
		switch {
		case !c.fits(cl, j) || c.spent(cl, j):
		case a.first == nil:
			a.first = cl
		default:
			a.verbs = a.verbs || cl.Verb != a.first.Verb
			a.causes = a.causes || c.askedBy(cl).cause != c.askedBy(a.first).cause
		}
	}
	return a
}

// askedAction is what the clients that fit asked for, where no witness saw the job's type
// and they are of one mind. What a start, restart or reload displaces can only be a stop:
// all others merge with it (job_type_merge_table, job.c).
func (c *Correlator) askedAction(j *job) string {
	if next := j.unit.openJob(j.supersededBy); next != nil {
		switch next.type_() {
		case ActionStart, ActionRestart, ActionReload:
			return ActionStop
		}
	}
	a := c.asking(j)
	if a.first == nil || a.verbs {
		return ""
	}
	if jobs := verbJobs[a.first.Verb]; len(jobs) > 0 {
		return jobs[0]
	}
	return ""
}

// askedRestart: a restart of a unit that was down reads as a start in the journal;
// only the one who asked still knows.
func (c *Correlator) askedRestart(j *job) bool {
	cl := c.requesterOf(j)
	return cl != nil && !c.asking(j).verbs && (cl.Verb == ActionRestart || reloadsElseRestarts(cl.Verb) && j.unit.configured && !j.unit.config.CanReload)
}

// reloadsElseRestarts knows the verb that makes a restart job for a unit that cannot
// reload, and a start job for one that can and is down (ReloadOrRestartUnit, dbus-unit.c).
func reloadsElseRestarts(verb string) bool {
	return verb == "reload-or-restart" || verb == "force-reload"
}

// byMarked: "systemctl reload-or-restart --marked" names no unit. Package managers mark
// what they replaced, and ask once at the end.
func (c *Correlator) byMarked(j *job) *why {
	for i := range j.clients {
		cl := &j.clients[i]
		if reloadsElseRestarts(cl.Verb) && len(cl.Units) == 0 && strings.Contains(cl.Cmdline, "--marked") && verbFits(cl.Verb, j) {
			w := c.askedBy(cl)
			w.evidence = []Evidence{{Source: "proc", Says: cl.Comm + " " + cl.Verb + " --marked was waiting when the job came"}}
			return w
		}
	}
	return nil
}
