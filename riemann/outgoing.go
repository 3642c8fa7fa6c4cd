package riemann

import "errors"

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
			b.unreadable(err)
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

// unreadable waits with what is stored until the writer has replaced the file.
func (b *Outbox) unreadable(err error) {
	b.fail(err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.storedTo = b.doneTo
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

// durable says whether what is queued outlives the process.
func (b *Outbox) durable() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.path != "" && b.fault == nil
}
