package journal

import "time"

const (
	// stormEntries in a window make a storm. The restart of one service makes four.
	stormEntries = 20
	stormWindow  = 100 * time.Millisecond
	// gather is how long the entries of a storm are left to gather before they are read.
	gather = 10 * time.Millisecond
)

// A pacer makes a storm cheap: journald writes an entry every few milliseconds, and to wake up
// for each, here and in the parent, costs more than all that is done with it. Outside a storm
// what is new is read at once.
type pacer struct {
	began time.Time // of this window
	n     int       // entries in it
	storm bool      // there were so many in the last
}

// pause is how long to wait before reading on, when n entries have just been read.
func (p *pacer) pause(n int, now time.Time) time.Duration {
	p.n += n
	if passed := now.Sub(p.began); passed >= stormWindow {
		// What came in a longer time counts for as much less.
		p.storm = p.n >= stormEntries && time.Duration(p.n)*(stormWindow/stormEntries) >= passed
		p.began, p.n = now, 0
	}
	if p.storm || p.n >= stormEntries {
		return gather
	}
	return 0
}
