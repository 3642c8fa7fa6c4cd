package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profile writes, for integration/bench, where the CPU time of this process went, to
// cpu-PID.pprof in dir when the function returned is called. The environment variable
// SDWHY_DEBUG_PROFILE names dir; the journal's child inherits it, so there is a file of each.
// With no dir it does nothing. A failure is told and ends nothing.
func profile(dir string) (stop func()) {
	if dir == "" {
		return func() {}
	}
	path := filepath.Join(dir, fmt.Sprintf("cpu-%d.pprof", os.Getpid()))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "sdwhy: no profile: %v\n", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			fmt.Fprintf(os.Stderr, "sdwhy: the profile is not whole: %v\n", err)
		}
	}
}
