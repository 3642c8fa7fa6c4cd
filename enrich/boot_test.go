package enrich

import (
	"slices"
	"testing"
)

// Of the units that were up when listed, those are remembered that the last listing had, and
// that have not changed since.
func TestUps(t *testing.T) {
	c := New(Options{})
	list := func(units ...string) {
		var rows []Listed
		for _, u := range units {
			rows = append(rows, Listed{Unit: u, Active: "active", Sub: "running"})
		}
		c.Observe(Observation{Kind: KindListing, Listing: append(rows, Listed{Unit: "down.service", Active: "inactive", Sub: "dead"})})
	}
	check := func(when string, want ...string) {
		t.Helper()
		for _, u := range []string{"a.service", "b.service", "run-1.scope", "down.service"} {
			if got := c.boot.up(u); got != slices.Contains(want, u) {
				t.Errorf("%s: %s up is %v", when, u, got)
			}
		}
	}
	list("a.service", "run-1.scope")
	check("listed", "a.service", "run-1.scope")
	list("a.service", "b.service")
	check("listed anew", "a.service", "b.service")
	c.Observe(Observation{Kind: KindUnit, Unit: "a.service", State: State{Active: "inactive", Sub: "dead"}})
	check("changed", "b.service")
	if len(c.boot.ups) != 1 {
		t.Errorf("%d are remembered, want 1", len(c.boot.ups))
	}
}
