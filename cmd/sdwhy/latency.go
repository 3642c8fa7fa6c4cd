package main

import (
	"bufio"
	"fmt"
	"os"

	"sdwhy/enrich"
)

// A latencyLog writes, for integration's measurements, when each job's event was
// written: "id<TAB>JobRemoved received<TAB>event written", µs of CLOCK_MONOTONIC.
// The environment variable SDWHY_DEBUG_LATENCY names its file. The nil log is none.
type latencyLog struct {
	file    *os.File
	w       *bufio.Writer
	arrived map[uint32]int64 // when each JobRemoved was received
	written []written        // written to the printer, not yet flushed
}

type written struct {
	id      string
	arrived int64
}

// maxArrived bounds arrived: filtered events are never written.
const maxArrived = 1 << 16

func newLatencyLog(path string) (*latencyLog, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, usagef("name a file that you may write to, or unset it", "bad SDWHY_DEBUG_LATENCY: %v", err)
	}
	return &latencyLog{file: file, w: bufio.NewWriter(file), arrived: map[uint32]int64{}}, nil
}

func (l *latencyLog) removed(o enrich.Observation) {
	if l == nil {
		return
	}
	if len(l.arrived) >= maxArrived {
		clear(l.arrived)
	}
	l.arrived[o.Job.ID] = o.Mono
}

func (l *latencyLog) wrote(e enrich.Event) {
	if l == nil || e.Job == nil {
		return
	}
	if at, ok := l.arrived[e.Job.ID]; ok {
		l.written = append(l.written, written{e.ID, at})
		delete(l.arrived, e.Job.ID)
	}
}

// flush is to be called once the printer has been flushed.
func (l *latencyLog) flush(mono func() int64) {
	if l == nil || len(l.written) == 0 {
		return
	}
	now := mono()
	for _, w := range l.written {
		fmt.Fprintf(l.w, "%s\t%d\t%d\n", w.id, w.arrived, now)
	}
	l.written = l.written[:0]
	l.w.Flush()
}
