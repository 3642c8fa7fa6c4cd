package enrich

import "strings"

// scheduled: an automatic restart's job has just been made. On 252 it is a job of
// type restart, from 254 on one of type start (evidence §6.1).
func (c *Correlator) scheduled(e Entry) {
	u := c.unit(e.Unit)
	c.wordOfRestart(u)
	if u.run == nil {
		u.takeLoose()
	}
	if u.run != nil && u.run.opened {
		u.keepLoose(e) // RestartMode=direct: the start job goes on
		return
	}
	for _, j := range u.jobs {
		if j.auto != nil && j.closing == nil && !j.told {
			j.auto = &e // scheduled again while its job was there, as after a daemon-reload: systemd merges the two
			return
		}
	}
	u.schedule, u.schedFrom = &e, u.read
	for _, j := range u.jobs {
		if !j.told {
			c.takeSchedule(j)
		}
	}
}

// takeSchedule gives a scheduled restart to its job: the first that the bus
// announced after the entry was written. A job from before it was asked for by a
// client during the wait, and systemd only merged the two (252).
func (c *Correlator) takeSchedule(j *job) {
	u := j.unit
	if u.schedule == nil || j.auto != nil || j.told || j.newTime == 0 {
		return
	}
	e := u.schedule
	switch {
	case strings.Contains(e.Message, "on client request"):
		j.autoAsked = true
	case j.newTime < e.Time:
		j.autoAsked = j.removedAt == 0
	default:
		j.auto = e
	}
	if j.auto != nil || j.autoAsked {
		j.from = earlier(j.from, u.schedFrom)
		u.schedule = nil
	}
}

// takeBack gives a job of which only the journal knows the restart that was scheduled before it:
// a newer job that the bus told of, when the entry was read late, has been given it.
func (j *job) takeBack() {
	for _, m := range j.unit.jobs {
		if m.id > j.id && m.auto != nil && !m.told && m.auto.Time <= j.newTime {
			j.auto, m.auto = m.auto, nil
			j.from, m.from = earlier(j.from, m.from), 0
		}
	}
}
