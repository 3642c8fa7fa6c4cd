package main

import "time"

// kickAfter is when the journal is read on again after a JobRemoved while a job
// still waits for its closing entry: entries are readable at once, mostly, and
// the journal's own wake-up is up to 500 ms late (evidence, journal latency).
var kickAfter = [...]time.Duration{
	time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
}

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

// begin kicks now and starts the series anew.
func (k *kicker) begin() {
	k.begun, k.step = time.Now(), 0
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
