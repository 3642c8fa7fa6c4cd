package main

import "time"

// kickAfter is when the journal is read on again after a JobRemoved while a job
// still waits for its closing entry: entries are readable at once, mostly, and
// the journal's own wake-up is up to 500 ms late (evidence, journal latency).
var kickAfter = [...]time.Duration{
	time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
}

// storming is the step at which the series begins when jobs end closer together than that.
const storming = 2

// A kicker makes the journal be read on, at once and then a few times more.
type kicker struct {
	kick  func()
	timer *time.Timer
	begun time.Time
	step  int
}

func newKicker(kick func()) *kicker {
	k := &kicker{kick: kick, timer: time.NewTimer(time.Hour)}
	k.timer.Stop()
	return k
}

// begin kicks now and starts the series anew, in a storm without its first steps: the next job
// ends before long.
func (k *kicker) begin() {
	now := time.Now()
	k.step = 0
	if now.Sub(k.begun) < kickAfter[storming] {
		k.step = storming
	}
	k.begun = now
	k.kick()
	k.arm()
}

// next is to be called when the timer fires. The series ends when nothing waits.
func (k *kicker) next(pending int) {
	if pending == 0 {
		return
	}
	k.kick()
	k.step++
	k.arm()
}

func (k *kicker) arm() {
	if k.step < len(kickAfter) {
		k.timer.Reset(max(0, kickAfter[k.step]-time.Since(k.begun)))
	}
}
