package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Delays reads from sdwhy's log of them (SDWHY_DEBUG_LATENCY, cmd/sdwhy/latency.go) how long after its
// JobRemoved each of the events with these ids was written, the shortest first. The log is flushed
// after the events, so the newest may not be in it yet.
func Delays(path string, ids map[string]bool) ([]time.Duration, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for line := range strings.Lines(string(data)) {
		var id string
		var removed, written int64 // µs of CLOCK_MONOTONIC
		if n, _ := fmt.Sscanf(line, "%s\t%d\t%d\n", &id, &removed, &written); n == 3 && ids[id] {
			took = append(took, time.Duration(written-removed)*time.Microsecond)
		}
	}
	slices.Sort(took)
	return took, nil
}
