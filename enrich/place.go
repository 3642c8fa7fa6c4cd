package enrich

import (
	"cmp"
	"slices"
	"strings"
)

// A mark stands for an entry about a unit: a restart must begin before it for as long as the
// job or the run that it tells of is not told.
type mark struct {
	before  string // the cursor of the entry before
	unit    *unit
	n       uint64 // which of the unit's entries it is
	seq     uint64 // which of all marks
	first   bool   // of its stretch
	stretch *stretch
	mono    int64 // when it was read
}

// A stretch is what a job wrote from its opening to its closing entry, else one entry alone. Who
// reads but the rest of one takes the end of the run in it for one by itself.
type stretch struct{ last uint64 } // the seq of its last mark

// openFor is how long, in µs, the entries of a job that goes on, or of what has not shown
// whose it is, are kept for a restart: a stop, with all that fails in it, takes up to 90 s
// (DefaultTimeoutStopSec=, systemd-system.conf(5)). A job that takes longer is told from its
// closing entry.
const openFor = 100_000_000

// fewMarks are kept room for at rest.
const fewMarks = 64

// Place is the cursor of the newest entry after which the journal still has all of what is not
// told yet; empty while there is none. It never goes back.
func (c *Correlator) Place() string {
	if c.former != nil {
		return c.placed // it is read through in a moment
	}
	c.pass()
	c.placed = c.cursor
	if len(c.marks) > 0 {
		c.placed = c.marks[0].before
	}
	return c.placed
}

// pass drops the marks before the first that is needed, but for those whose stretch goes on behind it.
func (c *Correlator) pass() {
	done, last := 0, uint64(0)
	for i := range c.marks {
		m := &c.marks[i]
		if c.needed(m) {
			break
		}
		if last = max(last, m.stretch.last); last <= m.seq {
			done = i + 1
		}
	}
	c.marks = slices.Delete(c.marks, 0, done)
	if len(c.marks) == 0 && cap(c.marks) > fewMarks {
		c.marks = nil // a storm is over
	}
}

// mark notes an entry about a unit. Only a stream of one boot can be gone on with.
func (c *Correlator) mark(u *unit) {
	if !c.homed {
		return
	}
	if len(c.marks) == cap(c.marks) {
		c.pass()
		c.marks = slices.DeleteFunc(c.marks, func(m mark) bool { return m.first && m.stretch.last == m.seq && !c.needed(&m) })
		c.marks = slices.Grow(c.marks, max(fewMarks, len(c.marks)))
	}
	first := u.run == nil || u.stretch == nil
	if first {
		u.stretch = &stretch{}
	}
	u.read++
	u.stretch.last = c.seq
	c.marks = append(c.marks, mark{strings.Clone(c.before), u, u.read, c.seq, first, u.stretch, c.mono})
}

// needed says whether something untold rests on the entry, or on an earlier one of its unit.
func (c *Correlator) needed(m *mark) bool {
	young := c.mono-m.mono < openFor
	rests := func(from uint64) bool { return from != 0 && from <= m.n }
	u := m.unit
	return young && (rests(u.looseFrom) || u.schedule != nil && rests(u.schedFrom) || u.run != nil && rests(u.run.from)) ||
		slices.ContainsFunc(u.exits, func(x *exit) bool { return rests(x.from) }) ||
		slices.ContainsFunc(u.jobs, func(j *job) bool {
			return !j.told && rests(j.from) && (young || j.closing != nil || j.removedAt != 0)
		})
}

// earlier is the first of two of a unit's entries; 0 is none.
func earlier(a, b uint64) uint64 { return min(cmp.Or(a, b), cmp.Or(b, a)) }
