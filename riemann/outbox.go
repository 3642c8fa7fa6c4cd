package riemann

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"

	"sdwhy/enrich"
)

// commitEvery is the least time between two transactions: the first event after a
// pause is written at once, those of a storm together.
const commitEvery = 10 * time.Millisecond

// Bounds of the events in memory, which are all there is without a disk.
const (
	memoryEvents = 20000
	memoryBytes  = 16 << 20
)

// OutboxOptions bound an outbox.
type OutboxOptions struct {
	Log *slog.Logger
}

// An Outbox holds events from Offer to the server's ack.
type Outbox struct {
	o     OutboxOptions
	ready chan struct{} // something may be delivered

	mu      sync.Mutex
	pending memory // not on disk
	seq     uint64 // of the last event offered
	doneTo  uint64 // all events up to this one are delivered or dead
	counts  counts
}

type counts struct {
	offered, suppressed uint64
	dropped             [levels]uint64
}

func newOutbox(o OutboxOptions) *Outbox {
	return &Outbox{o: o, ready: make(chan struct{}, 1)}
}

func (b *Outbox) offer(records []record, cursor string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range records {
		b.seq++
		r.seq = b.seq
		b.pending.push(r)
		b.counts.offered++
	}
	for b.pending.n > memoryEvents || b.pending.bytes > memoryBytes {
		r, _ := b.pending.evict()
		b.counts.dropped[r.level]++
	}
	signal(b.ready)
}

func (b *Outbox) run(ctx context.Context) { <-ctx.Done() }
func (b *Outbox) durable() bool           { return false }
func (b *Outbox) drained() bool           { return !b.waiting() }
func (b *Outbox) waiting() bool           { return b.length() > 0 }

func (b *Outbox) length() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pending.n
}

func (b *Outbox) next(l limit) []record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pending.after(b.doneTo, nil, l)
}

func (b *Outbox) done(seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doneTo = seq
	b.pending.drop(seq, func(record) {})
}

func (b *Outbox) dead(r record, why string) { b.done(r.seq) }

func (b *Outbox) count(st *Stats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	st.Offered, st.Suppressed = b.counts.offered, b.counts.suppressed
	st.Queued, st.QueuedBytes, st.Unstored = b.pending.n, int64(b.pending.bytes), b.pending.n
	st.Dropped = make(map[enrich.Severity]uint64, levels)
	for l, n := range b.counts.dropped {
		st.Dropped[severities[l]] = n
	}
}

// describe names an event for the log.
func describe(r record) string {
	var ev proto.Event
	if err := pb.Unmarshal(r.body, &ev); err != nil {
		return "?"
	}
	for _, a := range ev.Attributes {
		if a.GetKey() == "event_id" {
			return ev.GetService() + " " + a.GetValue()
		}
	}
	return ev.GetService()
}
