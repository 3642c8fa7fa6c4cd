package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sdwhy/integration"
)

// told asks a row's process of that name for its counters, by SIGUSR1.
func told(comm string) func(*bench) (counts, error) {
	return func(b *bench) (c counts, err error) {
		file := b.Path(b.row.path("out"))
		before, _ := os.ReadFile(file)
		for _, pid := range b.meter.pids() {
			if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(name) == comm+"\n" {
				_ = unix.Kill(pid, unix.SIGUSR1)
			}
		}
		for range 100 {
			after, _ := os.ReadFile(file)
			if len(after) > len(before) && bytes.HasSuffix(after, []byte("\n")) {
				_, err = fmt.Sscanf(string(after[len(before):]), "jobs=%d signals=%d entries=%d", &c.jobs, &c.signals, &c.entries)
				return c, err
			}
			time.Sleep(20 * time.Millisecond)
		}
		return c, fmt.Errorf("%s does not tell what it counted\n%s", comm, b.said(b.row))
	}
}

// printed counts the events that sdwhy has printed.
func (b *bench) printed() (counts, error) {
	ids, err := b.events()
	if err != nil {
		return counts{}, err
	}
	c, err := b.metrics()
	c.jobs = len(ids)
	return c, err
}

// events gives the ids of the storm's jobs for which sdwhy has printed an event, in order.
func (b *bench) events() (ids []string, err error) {
	data, err := os.ReadFile(b.Path(b.row.path("out")))
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for line := range bytes.Lines(data) {
		var e struct {
			ID, Unit string
			Job      any
		}
		if err := json.Unmarshal(line, &e); err != nil {
			continue // the last line is not whole yet
		}
		if e.Job != nil && strings.HasPrefix(e.Unit, "storm") && !seen[e.ID] {
			seen[e.ID] = true
			ids = append(ids, e.ID)
		}
	}
	return ids, nil
}

// arrived counts the events that the sink has received.
func (b *bench) arrived() (counts, error) {
	ids := map[any]bool{}
	events, err := integration.NewTail(b.Path(dir + "sink")).Next()
	if err != nil {
		return counts{}, err
	}
	for _, e := range events {
		attributes, _ := e["attributes"].(map[string]any)
		if unit, _ := attributes["unit"].(string); attributes["job_id"] != nil && strings.HasPrefix(unit, "storm") {
			ids[attributes["event_id"]] = true
		}
	}
	c, err := b.metrics()
	c.jobs = len(ids)
	return c, err
}

// metrics asks sdwhy for its counters.
func (b *bench) metrics() (c counts, err error) {
	out, err := b.Run(context.Background(), "bash", "-c", fmt.Sprintf(get, metrics, "", "/dev/stdout"))
	if err != nil {
		return c, err
	}
	values := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		var name string
		var value float64
		if n, _ := fmt.Sscanf(lines.Text(), "%s %g", &name, &value); n == 2 {
			values[name] = value
		}
	}
	return counts{signals: int(values["sdwhy_signals_total"]), entries: int(values["sdwhy_journal_entries_total"]),
		scans: int(values["sdwhy_proc_scans_total"]), scan: time.Duration(values["sdwhy_proc_scan_seconds_total"] * float64(time.Second))}, nil
}

// said is the last of what a row wrote to stderr.
func (b *bench) said(r row) string {
	out, _ := os.ReadFile(b.Path(r.path("err")))
	return string(out[max(0, len(out)-2000):])
}
