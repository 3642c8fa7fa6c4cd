package main

import "C" // for slack.c

import (
	"runtime"
	"runtime/debug"
	"time"
)

// gcPercent lets the heap grow to half again of what lives: in a storm that is some ten
// megabytes, and half the default's garbage is worth more than the little time it costs.
const gcPercent = 50

// frugal makes a process that runs for ever cost little. All that it does is one stream,
// in order: on a second processor each hand-over is a wake-up of another thread, and
// costs more than the work (integration/bench, targets on 257: 1.4 ms of CPU a job, with
// one processor 1.0). An administrator's GOMAXPROCS= and GOGC= win.
func frugal(env func(string) string) {
	if env("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	if env("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

const (
	// restEvery is how often a watch looks whether there is memory to give back.
	restEvery = 10 * time.Second
	// restAfter is how many observations make that worth the while.
	restAfter = 1000
)

// A rest gives memory back once a storm is over. Go itself keeps for long what it had.
type rest struct {
	seen, freed uint64 // observations: at the last look, and when memory was given back
}

// look gives memory back if much was observed since it last did, and next to nothing since the
// last look. forget is called before.
func (r *rest) look(observed uint64, forget func()) {
	if observed-r.seen < restAfter/100 && observed-r.freed >= restAfter {
		forget()
		debug.FreeOSMemory()
		r.freed = observed
	}
	r.seen = observed
}
