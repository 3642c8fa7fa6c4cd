package enrich

// witness is what the correlator knows of a source's presence.
type witness struct {
	up        bool
	first     int64 // mono of the first Up, µs
	since     int64 // mono of the last Up
	sinceTime int64 // the same instant in CLOCK_REALTIME
	upAt      int64 // mono of when that was said: the past is read by then
	lostAt    int64 // mono of the last known loss; 0 never
	why       string
}

func (c *Correlator) witness(o Observation) {
	w := c.witnesses[o.Witness.Name]
	if w == nil {
		w = &witness{}
		c.witnesses[o.Witness.Name] = w
	}
	if o.Witness.Lost != 0 || w.up && !o.Witness.Up {
		w.lostAt = o.Mono
		c.stats.Gaps++
	}
	if o.Witness.Up && !w.up {
		w.since, w.sinceTime, w.upAt = o.Mono, o.Time, o.Mono
		if o.Witness.Since != 0 {
			w.sinceTime -= o.Mono - o.Witness.Since
			w.since = o.Witness.Since
		}
		if w.first == 0 {
			w.first = w.since
		}
	}
	w.up, w.why = o.Witness.Up, o.Witness.Why
	if o.Witness.Name == WitnessJournal && w.up {
		c.closeFormer() // it follows at the tail
	}
	if o.Witness.Name == WitnessBus && !w.up {
		c.busLost()
	}
}

// saw says whether a witness was there, without a break or a loss, from mono on.
func (c *Correlator) saw(name string, mono int64) bool {
	w := c.witnesses[name]
	return w != nil && w.up && w.since <= mono && w.lostAt < mono
}

// live says whether the bus is, or ever was, a witness in this stream.
func (c *Correlator) live() bool {
	w := c.witnesses[WitnessBus]
	return w != nil && w.first != 0
}

// covers says whether the bus was listening at a time (CLOCK_REALTIME, µs): an
// entry from before belongs to the past and is judged from the journal alone.
func (c *Correlator) covers(time int64) bool {
	w := c.witnesses[WitnessBus]
	return w != nil && w.up && w.sinceTime <= time
}

// busSince is when the bus first became a witness, mono µs.
func (c *Correlator) busSince() int64 {
	if w := c.witnesses[WitnessBus]; w != nil {
		return w.first
	}
	return 0
}

// caughtUp says whether a live stream has read the past that it began with, or cannot: a run
// that ended then is told though its unit may never be heard of again.
func (c *Correlator) caughtUp() bool {
	return c.live() && c.witnesses[WitnessJournal] != nil
}

// busLost: what was in memory is no longer what is, and what could not be read may be readable
// once the bus is back.
func (c *Correlator) busLost() {
	for _, u := range c.units.Values() {
		if u.config.Failed != "" {
			c.dropConfig(u)
		}
		u.asked, u.triggersAsked = u.configured && u.asked, u.triggers && u.triggersAsked
	}
}
