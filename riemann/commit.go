package riemann

import (
	"errors"
	"fmt"
	"time"

	berrors "go.etcd.io/bbolt/errors"
)

// commit writes what has happened since the last commit in one transaction. Only the
// writer's goroutine calls it.
func (b *Outbox) commit() error {
	if b.path == "" {
		return nil
	}
	if err := b.reopen(); err != nil {
		b.fail(err)
		return err
	}
	c := b.snapshot()
	if c.done <= b.store.retired && len(c.acked)+len(c.dead)+len(c.puts) == 0 && c.cursor == "" && !b.broken() {
		return nil
	}
	out, err := b.store.update(c)
	if errors.Is(err, berrors.ErrMaxSizeReached) {
		if err = b.makeRoom(c); err == nil {
			c.next = b.ids.next
			out, err = b.store.update(c)
		}
	}
	if err != nil {
		b.fail(fmt.Errorf("outbox %s: %w", b.path, err))
		return err
	}
	b.settle(c, out)
	b.heal(len(c.puts))
	return nil
}

// makeRoom drops a tenth of what is stored in a transaction of its own: pages that one
// frees serve the next.
func (b *Outbox) makeRoom(c change) error {
	less := change{done: c.done, next: c.next, bound: b.store.total() * 9 / 10}
	out, err := b.store.update(less)
	if err == nil {
		b.settle(less, out)
	}
	return err
}

func (b *Outbox) broken() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fault != nil
}

// heal notes that the disk takes events again.
func (b *Outbox) heal(written int) {
	b.mu.Lock()
	was := b.fault
	b.fault = nil
	b.mu.Unlock()
	if was != nil {
		b.o.Log.Info("outbox can be written again", "path", b.path, "events", written)
	}
}

// reopen replaces a store that turned out damaged, and opens one that could not be opened before.
func (b *Outbox) reopen() error {
	b.mu.Lock()
	fault := b.fault
	b.mu.Unlock()
	switch {
	case b.store == nil:
		return b.open()
	case !errors.Is(fault, errDamaged):
		return nil
	}
	b.moving.Lock()
	b.store.abandon()
	b.store = nil
	b.moving.Unlock()
	return b.replace(fault)
}

// expireGrace is how long events that are too old at a start are still tried, so that
// neither a long stop nor a clock set at boot drops them unseen.
const expireGrace = time.Hour

// snapshot is the change that brings the disk up to date.
func (b *Outbox) snapshot() change {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.opened.Add(time.Since(b.opened)) // a clock that jumps ages nothing
	c := change{done: b.doneTo, dead: b.deads, acked: b.acked, next: b.ids.next, bound: b.o.MaxSize * 2 / 5}
	if now.Sub(b.opened) > expireGrace {
		c.oldest = now.Add(-b.o.MaxAge).UnixMicro()
	}
	c.puts = b.pending.after(b.doneTo, nil, &limit{n: b.pending.n, bytes: b.pending.bytes + 16*b.pending.n})
	if b.cursor != b.saved && b.cursor != "" && now.After(b.hold) {
		c.cursor = b.cursor
	}
	return c
}

// settle makes memory agree with what is on disk now.
func (b *Outbox) settle(c change, out outcome) {
	b.moving.Lock()
	defer b.moving.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(c.puts); n > 0 {
		last := c.puts[n-1].seq
		b.pending.drop(last, func(record) {})
		b.storedTo = max(b.storedTo, last)
	}
	b.acked = b.acked[len(c.acked):]
	b.deads = b.deads[len(c.dead):]
	b.ids.acked(out.acked)
	for _, d := range out.dropped {
		b.drop(d.level, d.id)
	}
	b.counts.n, b.counts.bytes = b.store.n, b.store.bytes
	if c.cursor != "" {
		b.saved = c.cursor
	}
	signal(b.ready)
}
