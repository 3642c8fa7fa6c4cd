package main

import (
	"fmt"
	"time"

	"sdwhy/enrich"
)

// counters are what sdwhy tells of itself: in STATUS=, in the heartbeat and as metrics.
type counters struct {
	Signals uint64        // signals of systemd's that arrived
	Entries uint64        // journal entries read
	Events  uint64        // events decided
	Unknown uint64        // of them with cause unknown
	Lost    uint64        // signals lost
	Gaps    uint64        // times a witness said that something is missing
	Acked   uint64        // events acknowledged by Riemann
	Dropped uint64        // events given up, for want of room or because Riemann refused them
	Open    int           // jobs without an event yet
	Queue   int           // events not acknowledged yet
	Scans   uint64        // scans of /proc for who asked
	Scan    time.Duration // CPU time that they took
	Lag     time.Duration // from the newest journal entry's writing to its arrival
}

// String is one line for people.
func (c counters) String() string {
	return fmt.Sprintf("%d signals, %d events (%d unknown), %d lost, %d gaps, %d open jobs, %d to send",
		c.Signals, c.Events, c.Unknown, c.Lost, c.Gaps, c.Open, c.Queue)
}

// values are the heartbeat's attributes.
func (c counters) values() map[string]float64 {
	return map[string]float64{
		"signals": float64(c.Signals), "entries": float64(c.Entries),
		"events": float64(c.Events), "unknown": float64(c.Unknown),
		"signals_lost": float64(c.Lost), "gaps": float64(c.Gaps),
		"acked": float64(c.Acked), "dropped": float64(c.Dropped),
		"open_jobs": float64(c.Open), "queue": float64(c.Queue),
		"proc_scans": float64(c.Scans), "proc_scan_s": c.Scan.Seconds(),
		"journal_lag_s": c.Lag.Seconds(),
	}
}

// severity is the heartbeat's state: something that was lost for good is a warning.
func (c counters) severity() enrich.Severity {
	if c.Dropped > 0 {
		return enrich.Warning
	}
	return enrich.OK
}
