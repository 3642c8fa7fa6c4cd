package enrich

// forget keeps the memory of units bounded: the longest unused idle ones go.
func (c *Correlator) forget() {
	c.forgetGone()
	for tries := 0; c.units.Len() > c.opt.Units && tries < 64; tries++ {
		name, u, _ := c.units.GetOldest()
		if u.busy() {
			c.units.Get(name) // youngest now
			continue
		}
		c.dropConfig(u)
		c.units.RemoveOldest()
	}
}

// leaving is a unit that was unloaded, and when.
type leaving struct {
	unit *unit
	at   int64
}

// goneFor is how long, in µs, what is known of an unloaded unit may still explain something.
const goneFor = 10_000_000

// forgetGone forgets the units that were unloaded a while ago, but for those that crashed or
// were restarted lately: where thousands come and go, memory does not grow with them.
func (c *Correlator) forgetGone() {
	for len(c.gone) > 0 && c.mono-c.gone[0].at > goneFor {
		u, at := c.gone[0].unit, c.gone[0].at
		c.gone = rest(c.gone)
		if !u.stale || u.goneAt != at || u.busy() || len(u.crashes)+len(u.restarts) > 0 || c.peek(u.name) != u {
			continue
		}
		c.dropConfig(u)
		c.units.Remove(u.name)
	}
}

// rest is a list without its first, of which it keeps nothing.
func rest[T any](list []*T) []*T {
	list[0] = nil
	if len(list) == 1 {
		return nil
	}
	return list[1:]
}
