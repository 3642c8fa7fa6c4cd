package watcher

import (
	"time"

	"golang.org/x/sys/unix"
)

// A stamp is an instant on CLOCK_REALTIME and CLOCK_MONOTONIC, in µs.
type stamp struct{ time, mono int64 }

// A clock reads both clocks without a system call. Go's own monotonic time is
// CLOCK_MONOTONIC counted from an unknown start, which base and mono, read together, make known.
type clock struct {
	base time.Time
	mono int64 // ns of CLOCK_MONOTONIC at base
}

// newClock reads both a few times and keeps the pair that was read closest together.
func newClock() (c clock) {
	best := time.Duration(1<<63 - 1)
	for range 5 {
		before := time.Now()
		mono := monotonic()
		if gap := time.Since(before); gap < best {
			best, c = gap, clock{before.Add(gap / 2), mono}
		}
	}
	return c
}

func (c clock) now() stamp {
	t := time.Now()
	return stamp{t.UnixMicro(), (c.mono + int64(t.Sub(c.base))) / 1000}
}

// monotonic reads CLOCK_MONOTONIC, in ns. The kernel cannot refuse.
func monotonic() int64 { return clockNanos(unix.CLOCK_MONOTONIC) }

func clockNanos(id int32) int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(id, &t)
	return t.Nano()
}
