// Command parse is what people put behind journalctl -f -o json: it parses each entry and
// throws it away. On SIGUSR1 and at its end it prints "jobs=N signals=0 entries=N": jobs are
// the ids of the storm's jobs that have an entry with a result.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
)

func main() {
	var jobs, entries atomic.Int64
	tell := func() { fmt.Printf("jobs=%d signals=0 entries=%d\n", jobs.Load(), entries.Load()) }
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			tell()
		}
	}()
	seen := map[string]bool{}
	for d := json.NewDecoder(os.Stdin); ; {
		var e map[string]any
		if err := d.Decode(&e); err != nil {
			break
		}
		entries.Add(1)
		unit, _ := e["UNIT"].(string)
		id, _ := e["JOB_ID"].(string)
		if e["JOB_RESULT"] != nil && strings.HasPrefix(unit, "storm") && !seen[id] {
			seen[id] = true
			jobs.Add(1)
		}
	}
	tell()
}
