package riemann

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Bounds of the dead letters; the oldest go first.
const (
	deadLetters = 1000
	deadBytes   = 4 << 20
)

// A change is what one transaction does, in this order.
type change struct {
	done   uint64    // events up to this one are delivered: remove them, remember their ids
	acked  []eventID // ids delivered without ever having been on disk
	next   uint64    // the slot counter of the first id remembered
	dead   []record  // refused events, to be kept
	puts   []record
	oldest int64 // what was stored before this, µs since the epoch, is dropped; 0: nothing is
	bound  int64 // bytes of undelivered events, beyond which they are dropped
	cursor string
}

// An outcome is what a transaction did.
type outcome struct {
	acked   []eventID
	dropped []drop
	n       [buckets]int
	bytes   [buckets]int64
}

type drop struct {
	level level
	id    eventID
}

// update does c, all of it or nothing.
func (st *store) update(c change) (outcome, error) {
	var out outcome
	err := guard(func() error {
		return st.db.Update(func(tx *bolt.Tx) error {
			out = outcome{acked: c.acked, n: st.n, bytes: st.bytes}
			t := transaction{tx, &out}
			return firstError(
				func() error { return t.retire(c.done) },
				func() error { return t.remember(c.next) },
				func() error { return t.bury(c.dead) },
				func() error { return t.put(c.puts) },
				func() error { return t.expire(c.oldest) },
				func() error { return t.shrink(c.bound) },
				func() error { return t.save(c.cursor) },
			)
		})
	})
	if err != nil {
		return outcome{}, err
	}
	st.n, st.bytes, st.retired = out.n, out.bytes, max(st.retired, c.done)
	return out, nil
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// A transaction is a change under way.
type transaction struct {
	tx  *bolt.Tx
	out *outcome
}

func (t transaction) add(r record, l level) error {
	b := t.tx.Bucket(bucketNames[l])
	b.FillPercent = 0.9 // keys only grow
	t.out.n[l]++
	t.out.bytes[l] += int64(r.size())
	return b.Put(key(r.seq), r.encode())
}

// while removes the oldest records of a bucket for as long as more says so. The bodies
// that it shows are the store's.
func (t transaction) while(l level, more func(record) bool, removed func(record)) error {
	c := t.tx.Bucket(bucketNames[l]).Cursor()
	for k, v := c.First(); k != nil; k, v = c.First() { // after a Delete, Next would skip one
		r, err := decodeRecord(k, v, l)
		if err != nil {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
		if !more(r) {
			return nil
		}
		if err := c.Delete(); err != nil {
			return err
		}
		t.out.n[l]--
		t.out.bytes[l] -= int64(r.size())
		removed(r)
	}
	return nil
}

func (t transaction) retire(done uint64) error {
	for l := range levels {
		err := t.while(l, func(r record) bool { return r.seq <= done },
			func(r record) { t.out.acked = append(t.out.acked, r.id) })
		if err != nil {
			return err
		}
	}
	return nil
}

// remember writes the acknowledged ids over the oldest ones.
func (t transaction) remember(next uint64) error {
	if len(t.out.acked) == 0 {
		return nil
	}
	b := t.tx.Bucket(bucketRecent)
	var slot [4]byte // Put copies a key, and keeps a value
	for _, id := range t.out.acked {
		binary.BigEndian.PutUint32(slot[:], uint32(next%recentIDs))
		if err := b.Put(slot[:], seal(id[:])); err != nil {
			return err
		}
		next++
	}
	return t.tx.Bucket(bucketMeta).Put(keyNext, key(next))
}

func (t transaction) bury(dead []record) error {
	for _, r := range dead {
		seq, err := t.tx.Bucket(bucketNames[bucketDead]).NextSequence()
		if err != nil {
			return err
		}
		r.seq = seq
		if err := t.add(r, bucketDead); err != nil {
			return err
		}
	}
	tooMany := func(record) bool {
		return t.out.n[bucketDead] > deadLetters || t.out.bytes[bucketDead] > deadBytes
	}
	return t.while(bucketDead, tooMany, func(record) {})
}

func (t transaction) put(records []record) error {
	for _, r := range records {
		if err := t.add(r, r.level); err != nil {
			return err
		}
	}
	return nil
}

func (t transaction) dropped(r record) {
	t.out.dropped = append(t.out.dropped, drop{r.level, r.id})
}

func (t transaction) expire(oldest int64) error {
	for l := range levels {
		if err := t.while(l, func(r record) bool { return r.stored < oldest }, t.dropped); err != nil {
			return err
		}
	}
	return nil
}

// shrink drops the oldest of the lowest severity until the rest keeps the bound.
func (t transaction) shrink(bound int64) error {
	tooMuch := func(record) bool {
		n := int64(0)
		for l := range levels {
			n += t.out.bytes[l]
		}
		return n > bound
	}
	for l := range levels {
		if err := t.while(l, tooMuch, t.dropped); err != nil {
			return err
		}
	}
	return nil
}

func (t transaction) save(cursor string) error {
	if cursor == "" {
		return nil
	}
	return t.tx.Bucket(bucketMeta).Put(keyCursor, seal([]byte(cursor)))
}
