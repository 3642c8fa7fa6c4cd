package riemann

import (
	"math/rand/v2"
	"time"
)

// A backoff says how long to wait before the next attempt: from min it doubles to
// max; half of each wait is chance, so that many clients do not return together.
type backoff struct {
	min, max time.Duration
	wait     time.Duration
}

func (b *backoff) next() time.Duration {
	b.wait = min(max(2*b.wait, b.min), b.max)
	return b.wait/2 + rand.N(b.wait/2+1)
}

func (b *backoff) reset() { b.wait = 0 }
