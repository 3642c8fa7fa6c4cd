package main

import (
	"time"

	"sdwhy/integration"
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
	took, err := integration.Delays(b.Path(b.row.path("latency")), wanted)
	if err != nil {
		return d, err
	}
	if len(took) == 0 {
		return d, nil
	}
	return delays{len(took), took[len(took)/2], took[(len(took)-1)*99/100], took[len(took)-1]}, nil
}
