package enrich

import (
	"path"
	"slices"
	"strings"
)

// named says whether a client names the job's unit, by its name, an alias or a glob.
func (c *Correlator) named(cl *Client, j *job) bool {
	x := c.index(cl)
	return x.has(j.unit.name) || slices.ContainsFunc(j.unit.config.Names, x.has)
}

// outright says whether a client names a unit by its name itself.
func (c *Correlator) outright(cl *Client, unit string) bool {
	_, ok := c.index(cl).units[unit]
	return ok
}

// An index finds a unit among those that a client names: a command line may have
// thousands, and each of their jobs asks.
type index struct {
	of    []string
	units map[string]struct{}
	globs []string
}

// keptIndexes bounds the clients whose indexes are kept; when there are more, all go.
const keptIndexes = 64

// index gives a client's index, made once for each list of units.
func (c *Correlator) index(cl *Client) *index {
	if x := c.indexes[cl.PID]; x != nil && (same(x.of, cl.Units) || slices.Equal(x.of, cl.Units)) {
		return x
	}
	if len(c.indexes) >= keptIndexes {
		clear(c.indexes)
	}
	x := newIndex(cl.Units)
	c.indexes[cl.PID] = x
	return x
}

// same says at once that two lists are one.
func same(a, b []string) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func newIndex(units []string) *index {
	x := &index{of: units, units: make(map[string]struct{}, len(units))}
	for _, u := range units {
		x.units[u] = struct{}{}
		if strings.ContainsAny(u, `*?[\\`) {
			x.globs = append(x.globs, u)
		}
	}
	return x
}

func (x *index) has(name string) bool {
	if _, ok := x.units[name]; ok {
		return true
	}
	return slices.ContainsFunc(x.globs, func(glob string) bool {
		ok, err := path.Match(glob, name)
		return err == nil && ok
	})
}
