package riemann

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"sdwhy/enrich"
)

// A Sender carries events to the first of its targets that answers.
type Sender struct {
	o   Options
	box *Outbox

	// Owned by Run.
	conn    client
	at      int       // the target that conn is to, or that comes next
	since   time.Time // when conn was made, or the first target last tried
	fails   int       // failures since the last ack
	batch   int       // events in a message; halves when one is refused or not answered
	suspect uint64    // the event that was refused while the server accepted a probe
	backoff backoff
	lastLog time.Time
	logged  string

	mu    sync.Mutex
	stats Stats
	beat  *Heartbeat
	beats chan struct{}
}

// New checks the options; Run does the work.
func New(o Options) (*Sender, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	box := o.Outbox
	if box == nil {
		box = newOutbox("", OutboxOptions{Log: o.Log})
	}
	return &Sender{
		o: o, box: box, batch: maxBatch, beats: make(chan struct{}, 1),
		backoff: backoff{min: o.BackoffMin, max: o.BackoffMax},
	}, nil
}

// Offer takes events over and returns at once: it waits for neither disk nor network.
func (s *Sender) Offer(events ...enrich.Event) { s.OfferAt("", events...) }

// OfferAt is Offer, and says that with these events everything up to the journal
// cursor has been offered. The cursor is saved in the outbox in the same
// transaction as the last of them, never before. What is in memory when the
// process is killed is thus found again in the journal after that cursor.
func (s *Sender) OfferAt(cursor string, events ...enrich.Event) {
	records := make([]record, 0, len(events))
	for _, e := range events {
		r, err := newRecord(Convert(e, s.o.Mapping, s.o.now()), e.ID, e.Severity)
		if err != nil { // cannot be: all strings are valid UTF-8 by then
			s.o.Log.Error("event cannot be encoded and is lost", "id", e.ID, "err", err)
			continue
		}
		records = append(records, r)
	}
	s.box.offer(records, cursor)
}

// Run delivers until ctx ends, then goes on until all is delivered, or DrainTimeout
// has passed, or, with an outbox on disk, the server cannot be reached. It always returns nil.
func (s *Sender) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(s.o.DrainTimeout, stop) })()
	var writer sync.WaitGroup
	writer.Go(func() { s.box.run(work) })
	s.pump(ctx, work)
	stop()
	writer.Wait()
	s.hangUp()
	s.farewell()
	return nil
}

// pump delivers batch after batch until work ends, or ctx has ended and nothing is left.
func (s *Sender) pump(ctx, work context.Context) {
	for work.Err() == nil {
		draining := ctx.Err() != nil
		if !s.wanted() {
			if draining && s.box.drained() {
				return
			}
			s.await(ctx, work)
			continue
		}
		err := s.deliver(work)
		if err == nil || work.Err() != nil {
			continue
		}
		if draining && s.box.durable() {
			return // the rest is safe on disk
		}
		s.fail(ctx, work, err)
	}
}

// wanted says whether there is something to deliver.
func (s *Sender) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beat != nil || s.box.waiting()
}

// await sleeps until there may be something to do, and then a little longer, for
// others to come along.
func (s *Sender) await(ctx, work context.Context) {
	draining := ctx.Done()
	var poll <-chan time.Time
	if ctx.Err() != nil {
		draining = nil
		poll = time.After(commitEvery)
	}
	select {
	case <-work.Done():
	case <-draining:
	case <-poll:
	case <-s.beats:
	case <-s.box.ready:
		sleep(ctx, s.o.Flush)
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// farewell says what Run leaves behind.
func (s *Sender) farewell() {
	st := s.Stats()
	switch {
	case st.Queued == 0:
	case st.Unstored == 0:
		s.o.Log.Info("stopped with events in the outbox, they are sent after the next start", "events", st.Queued)
	default:
		s.o.Log.Error("stopped with events that are neither delivered nor on disk", slog.Int("lost", st.Unstored), slog.Int("queued", st.Queued))
	}
}

// Stats are the counters now.
func (s *Sender) Stats() Stats {
	s.mu.Lock()
	st := s.stats
	s.mu.Unlock()
	s.box.count(&st)
	return st
}

// tell changes the counters.
func (s *Sender) tell(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}
