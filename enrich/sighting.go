package enrich

import "slices"

// sighting is a client, when it was first and last seen alive and when the last job ended that
// it explained, mono µs, and the units of those: it asks once for each.
type sighting struct {
	Client
	first, last, served int64
	spent               map[string]bool
}

const (
	keptSightings = 32
	// seenFor is how long after it was last seen a client still explains a job on a unit
	// that it names outright, µs: of a call with hundreds of units the last jobs can be
	// announced on the bus after the client, served over PID 1's own socket, has gone.
	seenFor = 3_000_000
)

// remember keeps the clients seen lately.
func (c *Correlator) remember(o Observation) {
	for _, cl := range o.Clients {
		if len(cl.Units) == 0 {
			continue
		}
		s := sighting{Client: cl, first: o.Mono}
		if i := c.sighted(&cl); i >= 0 {
			s = c.seen[i]
			c.seen = slices.Delete(c.seen, i, i+1)
		}
		s.last = o.Mono
		c.seen = append(c.seen, s)
	}
	if n := len(c.seen) - keptSightings; n > 0 {
		c.seen = slices.Delete(c.seen, 0, n)
	}
}

// sighted is where a client stands among those seen lately, -1 for nowhere.
func (c *Correlator) sighted(cl *Client) int {
	for i := range c.seen {
		if s := &c.seen[i]; s.PID == cl.PID && s.Started == cl.Started {
			return i
		}
	}
	return -1
}

// spend notes that a job that is over was its client's.
func (c *Correlator) spend(j *job) {
	if j.verdict.client == nil {
		return
	}
	if i := c.sighted(j.verdict.client); i >= 0 {
		s := &c.seen[i]
		if s.spent == nil {
			s.spent = map[string]bool{}
		}
		s.spent[j.unit.name] = true
		s.served = max(s.served, j.removedAt)
	}
}

// spent: this client already explains another job of the unit.
func (c *Correlator) spent(cl *Client, j *job) bool {
	if i := c.sighted(cl); i >= 0 && c.seen[i].spent[j.unit.name] {
		return true
	}
	for _, other := range j.unit.jobs {
		if other == j || other.verdict == nil || other.verdict.client == nil {
			continue
		}
		if was := other.verdict.client; was.PID == cl.PID && was.Started == cl.Started {
			return true
		}
	}
	return false
}

// machineNear: a moment before, a client was seen that was no person's. A script asks
// several times, and may have been too quick to be seen this time.
func (c *Correlator) machineNear(j *job) bool {
	for i := range c.seen {
		s := &c.seen[i]
		if s.first <= j.firstAt && j.firstAt-max(s.last, s.served) < pause && c.askedBy(&s.Client).cause != CauseManual {
			return true
		}
	}
	return false
}
