package main

import (
	"context"
	"time"
)

// A result is what one row cost in one storm.
type result struct {
	row, storm     string
	n, jobs        int // how many of what the storm does, and of jobs
	took           time.Duration
	cpu, init, bus time.Duration // CPU time of the row, of PID 1 and of dbus-daemon
	memory         int64         // the most, bytes of anonymous memory
	counts
	delays delays
}

// measure runs the storms under one row, one after another, and lastly nothing.
func (b *bench) measure(ctx context.Context, r row) (results []result, err error) {
	b.row, b.meter = r, newMeter(b.Init(), "")
	stop, err := b.start(ctx, r)
	if err != nil {
		return nil, err
	}
	if r.exec != "" {
		b.meter = newMeter(b.Init(), r.unit())
	}
	if err := b.rest(); err != nil {
		return nil, err
	}
	for _, s := range b.storms {
		b.say("%s: %s", r.name, s.name)
		res, err := b.storm(ctx, s)
		if err != nil {
			return results, err
		}
		results = append(results, res)
	}
	if b.idle > 0 {
		b.say("%s: %s", r.name, idle)
		res, err := b.quiet()
		if err != nil {
			return results, err
		}
		results = append(results, res)
	}
	return results, stop()
}

// storm runs one storm and reads what it cost, once all is at rest again.
func (b *bench) storm(ctx context.Context, s storm) (result, error) {
	res := result{row: b.row.name, storm: s.name, n: s.n, jobs: s.jobs(s.n)}
	if err := b.script(ctx, s, s.before); err != nil {
		return res, err
	}
	if err := b.rest(); err != nil {
		return res, err
	}
	before, err := b.counts()
	if err != nil {
		return res, err
	}
	err = b.usage(&res, func() error {
		began := time.Now()
		if err := b.script(ctx, s, s.run); err != nil {
			return err
		}
		res.took = time.Since(began)
		// A row that is asked now and then is measured for one turn at least.
		time.Sleep(b.row.scrape - res.took)
		return b.rest()
	})
	if err != nil {
		return res, err
	}
	after, err := b.counts()
	if err != nil {
		return res, err
	}
	res.counts = after.since(before)
	if res.delays, err = b.delays(before.jobs); err != nil {
		return res, err
	}
	if err := b.script(ctx, s, s.clean); err != nil {
		return res, err
	}
	return res, b.rest()
}

// quiet measures while nothing happens.
func (b *bench) quiet() (result, error) {
	res := result{row: b.row.name, storm: idle}
	if b.row.scrape == 0 {
		time.Sleep(min(giveBack, 2*b.idle))
	}
	err := b.usage(&res, func() error {
		res.took = max(b.idle, 2*b.row.scrape)
		time.Sleep(res.took)
		return nil
	})
	res.memory = b.meter.memory()
	return res, err
}

// usage reads what is used while do runs.
func (b *bench) usage(res *result, do func() error) error {
	before, err := b.meter.read()
	if err != nil {
		return err
	}
	most := b.meter.peak()
	err = do()
	res.memory = most()
	if err != nil {
		return err
	}
	after, err := b.meter.read()
	res.cpu, res.init, res.bus = after.row-before.row, after.init-before.init, after.bus-before.bus
	return err
}

// counts are what the row has seen until now; nothing for one that does not count.
func (b *bench) counts() (counts, error) {
	if b.row.count == nil {
		return counts{}, nil
	}
	return b.row.count(b)
}

func (c counts) since(before counts) counts {
	return counts{c.jobs - before.jobs, c.signals - before.signals, c.entries - before.entries, c.scans - before.scans, c.scan - before.scan}
}

const (
	restFor   = 500 * time.Millisecond
	restUsage = 3 * time.Millisecond // CPU time that is used at rest
	// giveBack is longer than sdwhy takes after a storm until it gives memory back (cmd/sdwhy/frugal.go).
	giveBack  = 25 * time.Second
	restLimit = 2 * time.Minute // what is not done by then is not counted
)

// rest waits until the row, PID 1 and the bus do nothing more.
func (b *bench) rest() error {
	last, err := b.meter.read()
	for began := time.Now(); err == nil; {
		time.Sleep(restFor)
		var now usage
		if now, err = b.meter.read(); err != nil {
			break
		}
		row, init, bus := now.row-last.row, now.init-last.init, now.bus-last.bus
		used := row + init + bus
		if used < restUsage || b.row.scrape > 0 && time.Since(began) > 2*restFor {
			return nil
		}
		if last = now; time.Since(began) > restLimit {
			b.say("%s is not at rest after %v: in %v it used %v of CPU, PID 1 %v, dbus-daemon %v", b.row.name, restLimit, restFor, row, init, bus)
			return nil
		}
	}
	return err
}
