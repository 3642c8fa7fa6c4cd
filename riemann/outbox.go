package riemann

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"

	"sdwhy/enrich"
)

const (
	// commitEvery is the least time between two transactions: the first event after a
	// pause is written at once, those of a storm together.
	commitEvery = 10 * time.Millisecond
	// ackLinger is how long the removal of delivered events waits for new ones to share
	// their transaction. A crash in between costs a duplicate.
	ackLinger = 100 * time.Millisecond
	// tidyEvery is how often a cursor that moved without events is saved, and drops are reported.
	tidyEvery = 5 * time.Second
	// retryEvery is how often a disk that failed is tried again.
	retryEvery = time.Second
	// holdFor is how long the cursor stays where it is after an event was dropped before
	// it reached the disk: as far back as a start looks into the journal.
	holdFor = 24 * time.Hour
	// expireGrace is how long events that are too old at a start are still tried, so that
	// neither a long stop nor a clock set at boot drops them unseen.
	expireGrace = time.Hour
)

// Bounds of the events in memory: on their way to the disk, or all there is without one.
// Beyond them the oldest of the lowest severity go, counted.
const (
	memoryEvents = 20000
	memoryBytes  = 16 << 20
)

// OutboxOptions bound an outbox; the zero value is the shipped one.
type OutboxOptions struct {
	MaxSize int64         // of the file in bytes; 256 MiB
	MaxAge  time.Duration // of an undelivered event; 7 days
	Log     *slog.Logger  // nil is silence
}

// An Outbox keeps events, in order, from Offer until a server has acknowledged them.
// Each is written to disk before it is sent and removed after its ack; while the
// disk refuses, events are delivered from memory. When it is full the oldest ok events go
// first, then warnings, and critical ones only when nothing else is left.
type Outbox struct {
	o      OutboxOptions
	path   string // empty: memory only
	opened time.Time
	ready  chan struct{} // something may be delivered
	dirty  chan struct{} // something is to be written
	acks   chan struct{} // something is to be removed

	// moving is held where events change from memory to disk, or where both are read.
	moving sync.Mutex
	store  *store // nil: no file, or one that could not be opened

	mu       sync.Mutex
	pending  memory // not on disk
	ids      ids
	seq      uint64    // of the last event offered
	storedTo uint64    // of the last event on disk
	doneTo   uint64    // all events up to this one are delivered or dead
	acked    []eventID // delivered from memory
	deads    []record  // refused for good, not on disk yet
	cursor   string    // offered
	saved    string    // on disk
	hold     time.Time // the cursor is not saved before this
	fault    error     // why the disk does not take events
	counts   counts
	aside    string
}

type counts struct {
	offered, suppressed uint64
	dropped             [levels]uint64
	reported            [levels]uint64
	n                   [buckets]int
	bytes               [buckets]int64
}

func newOutbox(path string, o OutboxOptions) *Outbox {
	if o.MaxSize <= 0 {
		o.MaxSize = 256 << 20
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 7 * 24 * time.Hour
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := func() chan struct{} { return make(chan struct{}, 1) }
	return &Outbox{o: o, path: path, opened: time.Now(), ready: c(), dirty: c(), acks: c(), ids: newIDs()}
}

// OpenOutbox opens the outbox file at path, or makes it. A file that is damaged, or from a
// newer version, is set aside as PATH.corrupt-TIME, what can be read of it is taken over, and work
// goes on with a new one. On a full disk events stay in memory until there is room. A file that another
// process uses, or that may not be written, is an error.
func OpenOutbox(path string, o OutboxOptions) (*Outbox, error) {
	b := newOutbox(path, o)
	switch err := b.open(); {
	case err == nil:
		_ = b.commit() // of what was taken over; a fault is noted, logged and tried again
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		b.fail(err)
	default:
		return nil, err
	}
	return b, nil
}

// Cursor is the journal cursor that was saved last: the events of all entries before it
// are, or were, in the outbox. Empty when there is none, as after SetAside.
func (b *Outbox) Cursor() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.saved
}

// SetAside names the damaged file that this outbox replaces, empty for none. The past is then worth
// reading again as far back as allowed: known events are suppressed by their ids.
func (b *Outbox) SetAside() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.aside
}

// offer takes records into memory and wakes the writer.
func (b *Outbox) offer(records []record, cursor string) {
	now := b.opened.Add(time.Since(b.opened)).UnixMicro()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range records {
		if !b.ids.learn(r.id) {
			b.counts.suppressed++
			continue
		}
		b.seq++
		r.seq, r.stored = b.seq, now
		b.pending.push(r)
		b.counts.offered++
	}
	for b.pending.n > memoryEvents || b.pending.bytes > memoryBytes {
		r, _ := b.pending.evict()
		b.drop(r.level, r.id)
		b.hold = time.Now().Add(holdFor)
	}
	if cursor != "" {
		b.cursor = cursor
		if b.saved == "" { // a first place to go on from does not wait for the tidying
			signal(b.dirty)
		}
	}
	if len(records) > 0 {
		signal(b.dirty)
		if b.path == "" || b.fault != nil {
			signal(b.ready)
		}
	}
}

func (b *Outbox) drop(l level, id eventID) {
	b.counts.dropped[l]++
	b.ids.forget(id)
}

// next is the batch to deliver: what is on disk, and, while the disk refuses, what is in memory.
func (b *Outbox) next(l *limit) []record {
	b.moving.Lock()
	defer b.moving.Unlock()
	b.mu.Lock()
	done, useMemory := b.doneTo, b.store == nil || b.fault != nil
	readable := b.store != nil && !errors.Is(b.fault, errDamaged)
	b.mu.Unlock()
	var batch []record
	if readable {
		var err error
		if batch, err = b.store.after(done, l); err != nil {
			b.fail(err)
			b.mu.Lock()
			b.storedTo = b.doneTo // until the writer has replaced the file
			b.mu.Unlock()
			return nil
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if useMemory {
		if len(batch) > 0 {
			done = batch[len(batch)-1].seq
		}
		batch = b.pending.after(done, batch, l)
	}
	if len(batch) == 0 {
		b.storedTo = b.doneTo // what was stored has been dropped
	}
	return batch
}

// done says that all events up to seq are delivered.
func (b *Outbox) done(seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doneTo = max(b.doneTo, seq)
	b.pending.drop(seq, func(r record) { b.acked = append(b.acked, r.id) })
	if b.path == "" {
		b.ids.acked(b.acked)
		b.acked = b.acked[:0]
	}
	signal(b.acks)
}

// dead says that r, the next in order, was refused for good.
func (b *Outbox) dead(r record, why string) {
	r.body = appendAttribute(r.body, "refused", clean(why, maxText))
	b.mu.Lock()
	b.deads = append(b.deads, r)
	if b.path == "" {
		b.deads = nil
	}
	b.mu.Unlock()
	b.done(r.seq)
}

// fail notes why the disk does not take events, says it once, and turns to memory.
func (b *Outbox) fail(err error) {
	b.mu.Lock()
	first := b.fault == nil
	b.fault = err
	n := b.pending.n
	b.mu.Unlock()
	if first {
		b.o.Log.Error("outbox cannot be written: events stay in memory until it can, and are lost if sdwhy dies",
			"path", b.path, "err", err, "events", n)
	}
	signal(b.dirty)
	signal(b.ready)
}

// durable says whether what is queued outlives the process.
func (b *Outbox) durable() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.path != "" && b.fault == nil
}

// waiting says whether there is something to deliver, drained whether there is nothing at all.
func (b *Outbox) waiting() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.storedTo > b.doneTo || b.pending.n > 0 && (b.path == "" || b.fault != nil)
}

func (b *Outbox) drained() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.storedTo <= b.doneTo && b.pending.n == 0
}

func (b *Outbox) length() int {
	var st Stats
	b.count(&st)
	return st.Queued
}

// count fills in what the outbox knows.
func (b *Outbox) count(st *Stats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	st.Offered, st.Suppressed = b.counts.offered, b.counts.suppressed
	st.Unstored, st.Queued, st.QueuedBytes = b.pending.n, b.pending.n, int64(b.pending.bytes)
	st.Dropped = make(map[enrich.Severity]uint64, levels)
	for l, s := range severities {
		st.Dropped[s] = b.counts.dropped[l]
		st.Queued += b.counts.n[l]
		st.QueuedBytes += b.counts.bytes[l]
	}
	st.DeadLetters = b.counts.n[bucketDead]
	if b.fault != nil {
		st.DiskError = b.fault.Error()
	}
}

// DeadLetters are up to n events that were refused for good, oldest first, each with the
// attribute refused, which says why.
func (b *Outbox) DeadLetters(n int) ([]*proto.Event, error) {
	b.moving.Lock()
	defer b.moving.Unlock()
	if b.store == nil {
		return nil, nil
	}
	records, err := b.store.dead(n)
	if err != nil {
		return nil, err
	}
	out := make([]*proto.Event, len(records))
	for i := range records {
		out[i] = &proto.Event{}
		if err := pb.Unmarshal(records[i].body, out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Close writes what is in memory and closes the file. Run must have ended.
func (b *Outbox) Close() error {
	err := b.commit()
	b.moving.Lock()
	defer b.moving.Unlock()
	if b.store != nil {
		b.store.close()
		b.store = nil
	}
	return err
}

// run writes until ctx ends, and a last time then. Memory-only outboxes have only drops to report.
func (b *Outbox) run(ctx context.Context) {
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	for {
		pause, last := commitEvery, ctx.Err() != nil
		if err := b.commit(); err != nil {
			pause = retryEvery
			signal(b.dirty)
		}
		b.report()
		if last {
			return
		}
		sleep(ctx, pause)
		select {
		case <-ctx.Done():
		case <-b.dirty:
		case <-tidy.C:
		case <-b.acks:
			b.linger(ctx)
		}
	}
}

func (b *Outbox) linger(ctx context.Context) {
	t := time.NewTimer(ackLinger)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-b.dirty:
	case <-t.C:
	}
}

// report logs what was dropped since the last time.
func (b *Outbox) report() {
	b.mu.Lock()
	now, before := b.counts.dropped, b.counts.reported
	b.counts.reported = now
	b.mu.Unlock()
	if now == before {
		return
	}
	at := slog.LevelWarn
	if now[levelCritical] > before[levelCritical] {
		at = slog.LevelError
	}
	b.o.Log.Log(context.Background(), at, "events dropped undelivered: the outbox is full, or they are too old",
		"ok", now[levelOK]-before[levelOK], "warning", now[levelWarning]-before[levelWarning],
		"critical", now[levelCritical]-before[levelCritical])
}
