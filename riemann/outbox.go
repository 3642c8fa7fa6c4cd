package riemann

import (
	"log/slog"
	"sync"
	"time"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"
)

// Bounds of the events in memory: on their way to the disk, or all there is without one.
// Beyond them the oldest of the lowest severity go, counted.
const (
	memoryEvents = 20000
	memoryBytes  = 16 << 20
)

// holdFor is how long the cursor stays where it is after an event was dropped before
// it reached the disk: as far back as a start looks into the journal.
const holdFor = 24 * time.Hour

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
