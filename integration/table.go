package integration

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// A Table gathers results of scenarios by systemd version.
type Table struct {
	mu        sync.Mutex
	scenarios []*Scenario
	results   map[int]map[string]result
}

// Verdicts on a scenario; notHere is one that is not for this systemd.
const (
	right   = "right"
	wrong   = "WRONG"
	notHere = "–"
)

type result struct {
	verdict string
	played  Played
}

// NewTable makes an empty table.
func NewTable(scenarios []*Scenario) *Table {
	return &Table{scenarios: scenarios, results: map[int]map[string]result{}}
}

// Set notes a scenario's result, the last one wins.
func (t *Table) Set(s *Scenario, version int, verdict string, p Played) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.results[version] == nil {
		t.results[version] = map[string]result{}
	}
	t.results[version][s.Name] = result{verdict, p}
}

// Played gives what came of a scenario, and the verdict; "" when it was not played.
func (t *Table) Played(s *Scenario, version int) (Played, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.results[version][s.Name]
	return r.played, r.verdict
}

// String is scenario × version, and cause × version with scenarios right / played.
func (t *Table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	versions := slices.Sorted(maps.Keys(t.results))
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w)
	row(w, "scenario", versions, func(v int) string { return fmt.Sprint(v) })
	for _, s := range t.scenarios {
		if !t.anywhere(s) {
			continue
		}
		row(w, s.Name, versions, func(v int) string { return t.results[v][s.Name].verdict })
	}
	fmt.Fprintln(w)
	row(w, "cause: right/played", versions, func(v int) string { return fmt.Sprint(v) })
	for _, cause := range t.causes(versions) {
		row(w, cause, versions, func(v int) string { return t.score(cause, v) })
	}
	w.Flush()
	return b.String()
}

// anywhere says whether a scenario was looked at on any version.
func (t *Table) anywhere(s *Scenario) bool {
	for _, results := range t.results {
		if results[s.Name].verdict != "" {
			return true
		}
	}
	return false
}

func row(w *tabwriter.Writer, head string, versions []int, cell func(int) string) {
	fmt.Fprint(w, head)
	for _, v := range versions {
		fmt.Fprint(w, "\t"+cell(v))
	}
	fmt.Fprintln(w)
}

// causes lists the causes that any played scenario wants.
func (t *Table) causes(versions []int) []string {
	set := map[string]bool{}
	for _, s := range t.scenarios {
		if !t.anywhere(s) {
			continue
		}
		for _, v := range versions {
			for _, c := range wantedCauses(s, v) {
				set[c] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func (t *Table) score(cause string, version int) string {
	hits, played := 0, 0
	for _, s := range t.scenarios {
		r := t.results[version][s.Name]
		if (r.verdict == right || r.verdict == wrong) && slices.Contains(wantedCauses(s, version), cause) {
			played++
			if r.verdict == right {
				hits++
			}
		}
	}
	return fmt.Sprintf("%d/%d", hits, played)
}

func wantedCauses(s *Scenario, version int) []string {
	want, _ := s.Want(version)
	var causes []string
	for _, w := range want {
		if c, ok := w["cause"].(string); ok && w[absent] == nil {
			causes = append(causes, c)
		}
	}
	return causes
}
