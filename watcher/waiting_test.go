package watcher

import (
	"slices"
	"testing"
	"time"

	"sdwhy/enrich"
)

func asker(pid int, units ...string) process {
	return process{Client: enrich.Client{PID: pid, Units: units}, ino: uint64(pid)}
}

func jobsOn(units ...string) (jobs []announced) {
	for i, u := range units {
		jobs = append(jobs, announced{uint32(i), u})
	}
	return jobs
}

func TestWaiting(t *testing.T) {
	all := func(process) bool { return true }
	none := func(process) bool { return false }
	type step struct {
		met   []process // a scan found them, for jobs on units
		units []string
		alive func(process) bool
		later time.Duration // since the step before
		want  []int         // pids of those that explain the units; nil is a scan
	}
	one := asker(1, "a", "b", "c", "d")
	for name, steps := range map[string][]step{
		"a call for many": {
			{met: []process{one}, units: []string{"a"}},
			{units: []string{"b"}, alive: all, want: []int{1}},
			{units: []string{"c", "d"}, alive: all, want: []int{1}},
		},
		"once for each": {
			{met: []process{one}, units: []string{"a"}},
			{units: []string{"a"}, alive: all},
			{units: []string{"b"}, alive: all, want: []int{1}},
			{units: []string{"b"}, alive: all},
		},
		"after another scan too": {
			{met: []process{one}, units: []string{"a"}},
			{met: []process{one}, units: []string{"x"}},
			{units: []string{"a"}, alive: all},
			{units: []string{"b"}, alive: all, want: []int{1}},
		},
		"another process of its number": {
			{met: []process{one}, units: []string{"a"}},
			{met: []process{{Client: one.Client, ino: 7}}, units: []string{"x"}},
			{units: []string{"a"}, alive: all, want: []int{1}},
		},
		"for as long as the scan lasts": {
			{met: []process{one}, units: []string{"a"}},
			{units: []string{"b"}, alive: all, later: scanLasts, want: []int{1}},
			{units: []string{"c"}, alive: all, later: 1},
		},
		"two jobs on one unit": {
			{met: []process{one}, units: []string{"a"}},
			{units: []string{"b", "b"}, alive: all},
		},
		"it may have asked for all": {
			{met: []process{one}, units: []string{"a"}},
			{met: []process{one}, units: []string{"x"}, later: askingFor},
			{units: []string{"b"}, alive: all, later: 1},
			{met: []process{one}, units: []string{"b"}},
			{units: []string{"c"}, alive: all, want: []int{1}},
		},
		"a unit that nobody names":      {{met: []process{one}}, {units: []string{"x"}, alive: all}},
		"one among others":              {{met: []process{one}}, {units: []string{"a", "x"}, alive: all}, {met: []process{one}, units: []string{"a", "x"}}, {units: []string{"b"}, alive: all, want: []int{1}}},
		"it has gone":                   {{met: []process{one}}, {units: []string{"a"}, alive: none}},
		"a scan does not meet it again": {{met: []process{one}}, {met: []process{}}, {units: []string{"a"}, alive: all}},
		"two that name one":             {{met: []process{one, asker(2, "b")}}, {units: []string{"b"}, alive: all}, {units: []string{"a"}, alive: all, want: []int{1}}},
		"two at once":                   {{met: []process{one, asker(2, "x")}}, {units: []string{"x", "a"}, alive: all, want: []int{2, 1}}},
		"nobody was ever met":           {{units: []string{"a"}, alive: all}},
	} {
		t.Run(name, func(t *testing.T) {
			var w waiting
			at := time.Unix(1000, 0)
			for i, s := range steps {
				at = at.Add(s.later)
				if s.met != nil {
					known := len(s.met) > 0 && w.find(s.met[0]) != nil
					if stranger := w.met(s.met, jobsOn(s.units...), at); stranger == known && len(s.met) > 0 {
						t.Errorf("step %d: a stranger %v", i, stranger)
					}
					continue
				}
				var got []int
				for _, c := range w.explain(jobsOn(s.units...), at, s.alive) {
					got = append(got, c.PID)
				}
				if !slices.Equal(got, s.want) {
					t.Errorf("step %d, jobs on %v: explained by %v, want %v", i, s.units, got, s.want)
				}
			}
		})
	}
}
