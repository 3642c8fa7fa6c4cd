package watcher

import "time"

const (
	// stormSignals in a window make a storm. The restart of one service makes some twenty.
	stormSignals = 100
	stormWindow  = 100 * time.Millisecond
	// gather is how long the signals of a storm are left to gather, at most, before they are read.
	gather = 10 * time.Millisecond
	// hasteFor is how long after a new client was met others are expected. While clients come
	// and go nothing is left to gather: one that asks for a short job is there for some ten
	// milliseconds, and the next may take its place.
	hasteFor = 500 * time.Millisecond
)

// A pacer makes a storm cheap: PID 1 sends a signal every quarter of a millisecond or so, and
// to wake up for each costs more than all that is done with it. Outside a storm a signal is
// read as it comes, so that a job's duration, and the client that waits for it, are seen as
// they are; within one, the stamps of signals are late by up to gather, and what waits for one is too.
type pacer struct {
	began time.Time // of this window
	n     int       // signals in it
	storm bool      // there were so many in the last
}

// count counts a signal.
func (p *pacer) count() { p.n++ }

// pause is how long to wait before there is anything to read again, in haste or not.
func (p *pacer) pause(now time.Time, haste bool) time.Duration {
	if passed := now.Sub(p.began); passed >= stormWindow {
		// What came in a longer time counts for as much less.
		p.storm = p.n >= stormSignals && time.Duration(p.n)*(stormWindow/stormSignals) >= passed
		p.began, p.n = now, 0
	}
	if haste || !p.storm && p.n < stormSignals {
		return 0
	}
	return gather
}
