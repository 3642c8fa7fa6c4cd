package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// sinkOutput is where the sink in a world writes what it received.
const sinkOutput = "/root/sink.jsonl"

// A Due is what must arrive of a unit's jobs and runs, by event id: what PID 1 itself
// logged of it, read back by journalctl. sdwhy has no part in it.
type Due struct {
	Jobs  map[string]bool // with an entry that has their result
	Exits map[string]bool // runs that failed while active and under no job
	// Any are all ids of jobs that left an entry of any kind: an event under another id is
	// one that left none, a no-op or a canceled one.
	Any map[string]bool
}

// A Loss is one row of the table that the loss test prints.
type Loss struct {
	Row                                   string
	Played                                int // jobs asked for
	Due, Received, Lost, Duplicated, Gaps int
	Retold                                int      // told anew by a sdwhy that read them again; the outbox keeps them from Riemann
	Missing                               []string // ids that were lost
	Took                                  time.Duration
}

func (l Loss) String() string {
	return fmt.Sprintf("%-34s played %4d, due %4d, received %4d, lost %d, duplicated %d, told again %d, declared gaps %d (%.1f s)",
		l.Row, l.Played, l.Due, l.Received, l.Lost, l.Duplicated, l.Retold, l.Gaps, l.Took.Seconds())
}

// The MESSAGE_IDs with which PID 1 ends a job or a run (systemd src/systemd/sd-messages.h).
const (
	idStarted  = "39f53479d3a045ac8e11786248231fbf"
	idStopped  = "9d1aaa27d60140bd96365438aad20286"
	idFailed   = "be02cf6855d2428ba40df7e9d022f03d"
	idReloaded = "7b05ebc668384222baa8881179cfda54"
	idCrashed  = "d9b373ed55a64feb8242e02dbe79a49c" // a unit failed with result …
)

// DueOf asks the container's journal what became of the units with that prefix.
func (w *World) DueOf(ctx context.Context, prefix string) (Due, error) {
	boot, err := w.Run(ctx, "cat", "/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Due{}, err
	}
	out, err := w.Run(ctx, "journalctl", "_PID=1", "--boot", "--output=json", "--no-pager", "--quiet")
	if err != nil {
		return Due{}, err
	}
	return parseDue([]byte(out), prefix, strings.ReplaceAll(strings.TrimSpace(boot), "-", "")+"/system/")
}

func parseDue(out []byte, prefix, manager string) (Due, error) {
	due := Due{Jobs: map[string]bool{}, Exits: map[string]bool{}, Any: map[string]bool{}}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e map[string]any
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return due, fmt.Errorf("failed to read journalctl's output: %w", err)
		}
		due.take(e, prefix, manager)
	}
	return due, lines.Err()
}

// take counts one entry. The stop half of a restart is not the job's end.
func (d Due) take(e map[string]any, prefix, manager string) {
	text := func(field string) string { s, _ := e[field].(string); return s }
	if !strings.HasPrefix(text("UNIT"), prefix) {
		return
	}
	if text("JOB_ID") == "" {
		if text("MESSAGE_ID") == idCrashed {
			d.Exits[manager+"exit/"+text("INVOCATION_ID")] = true
		}
		return
	}
	id := manager + "job/" + text("JOB_ID")
	d.Any[id] = true
	switch text("MESSAGE_ID") {
	case idStopped:
		if text("JOB_TYPE") == "restart" && text("JOB_RESULT") == "done" {
			return
		}
		fallthrough
	case idStarted, idFailed, idReloaded:
		d.Jobs[id] = true
	}
}

// Arrived counts what the sink got of the units with that prefix, by event id.
func (w *World) Arrived(prefix string) (map[string]int, error) {
	events, err := NewTail(w.Path(sinkOutput)).Next()
	if err != nil {
		return nil, err
	}
	got := map[string]int{}
	for _, e := range events {
		attributes, _ := e["attributes"].(map[string]any)
		if unit, _ := attributes["unit"].(string); strings.HasPrefix(unit, prefix) {
			got[fmt.Sprint(attributes["event_id"])]++
		}
	}
	return got, nil
}

// Retold counts the events of the units with that prefix that were written to stdout after the
// same had been. A line that a kill cut short is none.
func (w *World) Retold(prefix string) (n int) {
	told := map[string]bool{}
	for line := range bytes.Lines(w.Output()) {
		var e struct{ ID, Unit string }
		if json.Unmarshal(line, &e) != nil || !strings.HasPrefix(e.Unit, prefix) {
			continue
		}
		if told[e.ID] {
			n++
		}
		told[e.ID] = true
	}
	return n
}

// Count compares what arrived with what was due.
func (d Due) Count(got map[string]int, played int) Loss {
	l := Loss{Played: played, Received: len(got), Due: len(d.Jobs) + len(d.Exits)}
	for _, due := range []map[string]bool{d.Jobs, d.Exits} {
		for id := range due {
			if got[id] == 0 {
				l.Lost++
				l.Missing = append(l.Missing, id)
			}
		}
	}
	for _, n := range got {
		l.Duplicated += n - 1
	}
	return l
}
