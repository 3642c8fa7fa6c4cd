package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

const stormJobs = 500

// TestStorm runs jobs as fast as systemd can, and misses none.
func TestStorm(t *testing.T) {
	needContainers(t)
	for _, suite := range chosen() {
		t.Run(fmt.Sprint(suite.Version), func(t *testing.T) {
			w := create(t, suite, map[string][]byte{"/etc/systemd/system/storm@.target": []byte("[Unit]\n")}, Recording)
			start := time.Now()
			if _, err := w.Run(t.Context(), "bash", "-c", fmt.Sprintf("systemctl start storm@{1..%d}.target", stormJobs)); err != nil {
				t.Fatal(err)
			}
			took := time.Since(start)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			events, err := w.Events.Collect(ctx, settle,
				func(e map[string]any) bool { return strings.HasPrefix(fmt.Sprint(e["unit"]), "storm@") },
				func(events []map[string]any) bool { return len(events) >= stormJobs })
			if err != nil {
				t.Fatal(err)
			}
			checkStorm(t, events)
			t.Logf("%d jobs in %.2f s; JobRemoved to event written: %s", stormJobs, took.Seconds(), delays(t, w, events))
		})
	}
}

func checkStorm(t *testing.T, events []map[string]any) {
	t.Helper()
	units, faults := map[any]int{}, map[string]int{}
	requested, unknown := 0, 0
	for _, e := range events {
		units[e["unit"]]++
		if e["requester"] != nil {
			requested++
		}
		if e["cause"] == "unknown" {
			unknown++
		}
		// Under such a load a witness may be missing: then unknown is right, and says so.
		want := map[string]any{"action": "start", "result": "done", "cause": "~^(manual|unknown)$"}
		for _, f := range diff("", want, e) {
			faults[f]++
		}
		if e["cause"] == "unknown" && e["missing"] == nil {
			faults["unknown, and nothing is missing"]++
		}
	}
	for f, n := range faults {
		t.Errorf("%d events: %s", n, f)
	}
	for i := 1; i <= stormJobs; i++ {
		if n := units[fmt.Sprintf("storm@%d.target", i)]; n != 1 {
			t.Errorf("storm@%d.target has %d events, want 1", i, n)
		}
	}
	t.Logf("of %d events, the requester is known of %d, the cause is unknown of %d", len(events), requested, unknown)
}

// delays reads how long each event took after its job's JobRemoved was received. The log is
// written after the events, so it is waited for.
func delays(t *testing.T, w *World, events []map[string]any) string {
	t.Helper()
	ids := map[string]bool{}
	for _, e := range events {
		ids[fmt.Sprint(e["id"])] = true
	}
	var took []time.Duration
	for until := time.Now().Add(5 * time.Second); len(took) < len(ids) && time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		var err error
		if took, err = Delays(w.Path(latencyPath), ids); err != nil {
			t.Fatal(err)
		}
	}
	if len(took) < len(ids) {
		t.Errorf("%d delays were measured of %d events", len(took), len(ids))
	}
	if len(took) == 0 {
		return "none"
	}
	return fmt.Sprintf("p50 %v, p99 %v, max %v over %d events",
		took[len(took)/2], took[len(took)*99/100], took[len(took)-1], len(took))
}
