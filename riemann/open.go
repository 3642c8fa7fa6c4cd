package riemann

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"
)

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

// open opens the store, and replaces a damaged one.
func (b *Outbox) open() error {
	st, found, err := openStore(b.path, b.o.MaxSize)
	if errors.Is(err, errDamaged) {
		return b.replace(err)
	}
	if err == nil {
		b.adopt(st, found)
	}
	return err
}

// replace sets the file aside, for that reason, and takes over into a new one what can be read of it.
func (b *Outbox) replace(why error) error {
	aside := b.path + ".corrupt-" + time.Now().UTC().Format("20060102T150405.000000Z")
	if err := os.Rename(b.path, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w, and it cannot be set aside: %w", why, err)
	}
	saved := salvage(aside)
	b.o.Log.Error("outbox damaged: set aside, work goes on with a new one", "path", b.path, "aside", aside, "err", why,
		"readable", len(saved.records), "hint", "the file is kept; delete it when it is of no more use")
	b.takeOver(aside, saved)
	st, found, err := openStore(b.path, b.o.MaxSize)
	if err == nil {
		b.adopt(st, found)
	}
	return err
}

func (b *Outbox) takeOver(aside string, saved content) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.aside = aside
	for _, id := range saved.recent {
		b.acked = append(b.acked, id)
		b.ids.learn(id)
	}
	b.readopt(saved.records)
}

// readopt puts salvaged events that are not delivered yet in front of those that
// wait, all numbered anew.
func (b *Outbox) readopt(saved []record) {
	slices.SortFunc(saved, func(x, y record) int { return cmp.Compare(x.seq, y.seq) })
	saved = slices.DeleteFunc(saved, func(r record) bool { return r.seq <= b.doneTo })
	all := b.pending.after(0, saved, &limit{n: b.pending.n, bytes: b.pending.bytes})
	b.pending = memory{}
	seen := make(map[eventID]bool, len(all))
	for _, r := range all {
		if seen[r.id] {
			continue
		}
		seen[r.id] = true
		b.ids.learn(r.id)
		b.seq++
		r.seq = b.seq
		b.pending.push(r)
	}
	signal(b.dirty)
}

// adopt begins to use a store.
func (b *Outbox) adopt(st *store, found content) {
	b.moving.Lock()
	defer b.moving.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.store = st
	b.counts.n, b.counts.bytes = st.n, st.bytes
	b.saved = found.cursor
	b.seq = max(b.seq, found.last)
	b.storedTo = found.last
	b.ids.next = found.next
	for slot, id := range found.recent {
		b.ids.remember(slot, id)
	}
	for _, id := range found.queued {
		b.ids.learn(id)
	}
	if found.last > 0 {
		signal(b.ready)
	}
}
