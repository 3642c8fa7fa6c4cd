package watcher

import (
	"testing"
	"time"
)

// The clock agrees with the kernel's to a tenth of a second even on a busy machine; off by a
// factor or an origin, it would not.
func TestClock(t *testing.T) {
	c := newClock()
	before := monotonic() / 1000
	s := c.now()
	after := monotonic() / 1000
	if s.mono < before-100_000 || s.mono > after+100_000 {
		t.Errorf("%d is not between %d and %d", s.mono, before, after)
	}
	if d := time.Since(time.UnixMicro(s.time)).Abs(); d > 10*time.Second {
		t.Errorf("real time is off by %v", d)
	}
}
