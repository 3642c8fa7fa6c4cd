package riemann

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"
)

// Options say where events go, and how. Only Targets must be set.
type Options struct {
	// Targets are tried in their order; FailBack after a failover the first is tried again.
	Targets []Target
	TLS     TLS

	// What Convert adds. Prefix stands before the unit's name in the service.
	Mapping
	// Host is the heartbeat's host; empty is the machine's host name.
	Host string

	// Outbox keeps events until they are acknowledged; nil keeps them in memory, and a
	// full memory drops.
	Outbox *Outbox
	// Log takes trouble; nil is silence.
	Log *slog.Logger

	DialTimeout  time.Duration // TCP connect and TLS handshake; 5 s
	AckTimeout   time.Duration // for a write, and for its answer; 10 s
	DrainTimeout time.Duration // how long Run goes on once it was canceled; 10 s
	Flush        time.Duration // how long an event waits for others to travel with; 50 ms
	FailBack     time.Duration // 5 min
	BackoffMin   time.Duration // 100 ms
	BackoffMax   time.Duration // 30 s

	// dial replaces the network, and now the clock, in tests.
	dial func(context.Context, Target, Options) (client, error)
	now  func() time.Time
}

const maxBatch = 100 // events in one message

// withDefaults fills in what was left open, and says what cannot be.
func (o Options) withDefaults() (Options, error) {
	if len(o.Targets) == 0 {
		return o, errors.New("no riemann server given (--riemann tcp://HOST:5555)")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Attributes)) {
		if Reserved(name) || name == "" {
			return o, fmt.Errorf("attribute %q: Riemann has a field of that name, choose another", name)
		}
	}
	if o.Host == "" {
		o.Host, _ = os.Hostname() // a heartbeat without a host is still one
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		value *time.Duration
		unset time.Duration
	}{
		{&o.TTL, DefaultTTL},
		{&o.DialTimeout, 5 * time.Second}, {&o.AckTimeout, 10 * time.Second},
		{&o.DrainTimeout, 10 * time.Second}, {&o.Flush, 50 * time.Millisecond},
		{&o.FailBack, 5 * time.Minute},
		{&o.BackoffMin, 100 * time.Millisecond}, {&o.BackoffMax, 30 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.unset
		}
	}
	if o.dial == nil {
		o.dial = dial
	}
	if o.now == nil {
		o.now = time.Now
	}
	return o, nil
}
