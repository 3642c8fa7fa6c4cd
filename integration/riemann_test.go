package integration

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"
)

const sinkPort = "5555"

// TestRiemann sends events to a server on libriemann-client inside the container and
// compares what arrived with what was printed.
func TestRiemann(t *testing.T) {
	needContainers(t)
	suite := chosen()[len(chosen())-1]
	files := buildSink(t)
	maps.Copy(files, riemannUnits)
	w := create(t, suite, files, Recording+" --riemann tcp://127.0.0.1:"+sinkPort)
	if _, err := w.Run(t.Context(), "systemctl", "start", "riemann-unit.service"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	printed := collectOwn(t, ctx, w.Events, "unit")
	arrived := collectOwn(t, ctx, NewTail(w.Path("/root/sink.jsonl")), "service")
	if len(printed) != 3 {
		t.Fatalf("%d events were printed, want 3: %s", len(printed), show(printed))
	}
	for _, e := range printed {
		at := slot(arrived, e["id"])
		if at < 0 {
			t.Errorf("event %v did not arrive at the sink", e["id"])
			continue
		}
		for _, f := range diff("", riemannView(e), arrived[at]) {
			t.Errorf("%v %v: %s", e["action"], e["unit"], f)
		}
	}
	if len(arrived) != len(printed) {
		t.Errorf("%d events arrived, %d were printed", len(arrived), len(printed))
	}
}

// buildSink gives the sink's files.
func buildSink(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := BuildSink(t.Context(), "sink", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// riemannUnits run the sink, and a service that crashes once and comes back.
var riemannUnits = map[string][]byte{
	"/opt/sink/run": []byte("#!/bin/sh\nexec " + SinkCommand + " " + sinkPort + " 2>/root/sink.stderr\n"),
	"/etc/systemd/system/sink.service": []byte(`[Unit]
Before=sdwhy-test.service
[Service]
ExecStart=/opt/sink/run
StandardOutput=append:/root/sink.jsonl
`),
	"/etc/systemd/system/sdwhy-test.service.d/sink.conf": []byte("[Unit]\nWants=sink.service\n"),
	"/etc/systemd/system/riemann-unit.service": []byte(`[Service]
ExecStart=/bin/sh -c '[ -e /run/riemann ] && exec sleep infinity; touch /run/riemann; sleep 0.2; exit 3'
Restart=on-failure
RestartSec=200ms
`),
}

// collectOwn waits for the three events of riemann-unit.service, named in field.
func collectOwn(t *testing.T, ctx context.Context, tail *Tail, field string) []map[string]any {
	t.Helper()
	events, err := tail.Collect(ctx, settle,
		func(e map[string]any) bool { return strings.HasSuffix(fmt.Sprint(e[field]), "riemann-unit.service") },
		func(events []map[string]any) bool { return len(events) >= 3 })
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// slot finds the event that arrived under an id; -1 for none.
func slot(arrived []map[string]any, id any) int {
	for i, e := range arrived {
		if attributes, ok := e["attributes"].(map[string]any); ok && attributes["event_id"] == id {
			return i
		}
	}
	return -1
}

// riemannView is what DESIGN.md §3 makes of an event for Riemann.
func riemannView(e map[string]any) map[string]any {
	at, _ := time.Parse(time.RFC3339Nano, fmt.Sprint(e["time"]))
	attributes := map[string]any{"event_id": e["id"], "unit": e["unit"], "action": e["action"],
		"result": e["result"], "cause": e["cause"]}
	if exit, ok := e["exit"].(map[string]any); ok {
		attributes["exit_code"] = exit["code"]
		attributes["exit_status"] = fmt.Sprint(exit["status"])
	}
	view := map[string]any{"host": e["host"], "service": "systemd/" + fmt.Sprint(e["unit"]), "state": e["severity"],
		"description": e["description"], "time_micros": float64(at.UnixMicro()), "ttl": 3600.0,
		"tags": e["tags"], "attributes": attributes}
	if job, ok := e["job"].(map[string]any); ok {
		view["metric"] = job["duration_s"]
	}
	return view
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
