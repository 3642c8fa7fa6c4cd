package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// delays are how long after JobRemoved the events were written.
type delays struct {
	n             int
	p50, p99, max time.Duration
}

// delays reads sdwhy's log of them (SDWHY_DEBUG_LATENCY) for the storm's events from the
// nth on; nothing for the other rows.
func (b *bench) delays(from int) (d delays, err error) {
	if b.row.name != "sdwhy" {
		return d, nil
	}
	ids, err := b.events()
	if err != nil || from >= len(ids) {
		return d, err
	}
	wanted := map[string]bool{}
	for _, id := range ids[from:] {
		wanted[id] = true
	}
	data, err := os.ReadFile(b.Path(b.row.path("latency")))
	if err != nil {
		return d, err
	}
	var took []time.Duration
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 || !wanted[f[0]] {
			continue
		}
		removed, err1 := strconv.ParseInt(f[1], 10, 64)
		written, err2 := strconv.ParseInt(f[2], 10, 64)
		if err1 == nil && err2 == nil {
			took = append(took, time.Duration(written-removed)*time.Microsecond)
		}
	}
	if len(took) == 0 {
		return d, nil
	}
	slices.Sort(took)
	return delays{len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1]}, nil
}
