package main

import "runtime"

// frugal makes a process that runs for ever cost little. All that it does is one stream,
// in order: on a second processor each hand-over is a wake-up of another thread, and
// costs more than the work (integration/bench, targets on 257: 1.4 ms of CPU a job, with
// one processor 1.0). An administrator's GOMAXPROCS= wins.
func frugal(env func(string) string) {
	if env("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}
