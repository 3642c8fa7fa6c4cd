package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// The sizes through which each thing grows.
var (
	unitSizes    = []int{100, 1000, 10_000}
	processSizes = []int{100, 1000, 5000}
)

var grown = storm{files: map[string]string{units + "grown@.target": "[Unit]\n"}}

// asked are jobs that each have a client of their own, waiting: each makes sdwhy look who asks.
var asked = storm{
	name: "calls", n: 100, jobs: func(n int) int { return n },
	files: map[string]string{units + "storm-asked@.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n"},
	run:   `for i in $(seq $N); do systemctl start storm-asked@$i.service; done`,
}

// grow prints how cost grows with units, processes and the journal.
func (b *bench) grow(ctx context.Context) error {
	for _, step := range []func(context.Context) error{b.growUnits, b.growProcesses, b.growJournal} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// growUnits loads more and more units, and each time starts sdwhy anew.
func (b *bench) growUnits(ctx context.Context) error {
	loaded := 0
	fmt.Println("units loaded  until ready s  peak MB  at rest MB  then in 200 jobs: CPU µs a job  peak MB")
	for _, n := range unitSizes {
		if _, err := b.Run(ctx, "bash", "-c", fmt.Sprintf("systemctl start $(seq -f 'grown@%%.0f.target' %d %d)", loaded+1, n)); err != nil {
			return err
		}
		loaded = n
		err := b.fresh(ctx, func(ready time.Duration, peak int64) error {
			rest := b.meter.memory()
			s := storms[0]
			s.n = 100
			res, err := b.storm(ctx, s)
			fmt.Printf("%12d  %13.2f  %7.1f  %10.1f  %30.0f  %7.1f\n", n, ready.Seconds(), mb(peak), mb(rest), res.share(res.cpu), mb(res.memory))
			return err
		})
		if err != nil {
			return err
		}
	}
	_, err := b.Run(ctx, "systemctl", "stop", "grown@*.target")
	return err
}

// growProcesses adds processes that sleep.
func (b *bench) growProcesses(ctx context.Context) error {
	fmt.Println("\nprocesses  scans  CPU ms a scan  /proc scans, µs a job  CPU µs a job")
	for _, n := range processSizes {
		sleepers, end := context.WithCancel(ctx)
		cmd := b.Command(sleepers, "bash", "-c", fmt.Sprintf("for i in $(seq %d); do sleep infinity & done; wait", n))
		if err := cmd.Start(); err != nil {
			end()
			return err
		}
		err := b.fresh(ctx, func(time.Duration, int64) error {
			time.Sleep(6 * time.Second) // sdwhy knows after two looks, 5 s apart, whom to pass over
			if _, err := b.storm(ctx, asked); err != nil {
				return err
			}
			time.Sleep(6 * time.Second)
			res, err := b.storm(ctx, asked)
			fmt.Printf("%9d  %5d  %13.2f  %21.0f  %12.0f\n", n, res.scans, float64(res.scan.Microseconds())/1000/float64(max(1, res.scans)), res.share(res.scan), res.share(res.cpu))
			return err
		})
		end()
		_ = cmd.Wait()
		if err != nil {
			return err
		}
	}
	return nil
}

// fresh starts sdwhy and does something once it follows and is at rest; ready is how
// long it took until then, peak its most memory.
func (b *bench) fresh(ctx context.Context, do func(ready time.Duration, peak int64) error) error {
	r := rows[slices.IndexFunc(rows, func(r row) bool { return r.name == "sdwhy" })]
	b.row, b.meter = r, newMeter(b.Init(), "")
	if err := b.rest(); err != nil {
		return err
	}
	most := meter{cgroup: newMeter(b.Init(), r.unit()).cgroup}.peak()
	began := time.Now()
	stop, err := b.start(ctx, r)
	ready := time.Since(began)
	if err != nil {
		most()
		return err
	}
	b.meter = newMeter(b.Init(), r.unit())
	err = b.rest()
	peak := most()
	if err != nil {
		return err
	}
	if err := do(ready, peak); err != nil {
		return err
	}
	return stop()
}
