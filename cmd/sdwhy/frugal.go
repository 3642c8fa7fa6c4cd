package main

import (
	"runtime"
	"runtime/debug"
)

const (
	// gcPercent lets garbage grow to some times what lives: little does, and much passes through.
	gcPercent = 400
	// memoryLimit is where the collector begins to work harder instead, bytes.
	memoryLimit = 24 << 20
)

// frugal makes a process that runs for ever cost little. All that it does is one stream,
// in order: on a second processor each hand-over is a wake-up of another thread, and
// costs more than the work (integration/bench, targets on 257: 1.4 ms of CPU a job, with
// one processor 1.0). An administrator's GOMAXPROCS=, GOGC= and GOMEMLIMIT= win.
func frugal(env func(string) string) {
	if env("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	if env("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if env("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
