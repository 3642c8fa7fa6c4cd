package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// A clock gives systemd's two times in µs. Tests have their own.
type clock struct {
	now  func() int64 // CLOCK_REALTIME since the epoch
	mono func() int64 // CLOCK_MONOTONIC
}

// systemClock reads the kernel's clocks. Go's own monotonic reading has another
// origin than systemd's timestamps, so it cannot be compared with them.
func systemClock() clock {
	return clock{
		now: func() int64 { return time.Now().UnixMicro() },
		mono: func() int64 {
			var ts unix.Timespec
			if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
				return 0 // cannot fail on Linux: the clock exists since 2.6
			}
			return ts.Nano() / 1000
		},
	}
}
