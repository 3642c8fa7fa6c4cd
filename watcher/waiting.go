package watcher

import (
	"time"

	"sdwhy/enrich"
)

// An announced is a job of which JobNew came.
type announced struct {
	id   uint32
	unit string
}

const (
	// scanLasts is how long after a scan its clients are taken to be all: one that came since is
	// not known of.
	scanLasts = 100 * time.Millisecond
	// askingFor is how long a client that gets no job is taken to go on asking. There may never
	// be a job on a unit that it names, as for try-restart of one that is down.
	askingFor = time.Second
)

// waiting are the clients that the last scan met, with what they still wait for. systemctl calls for one
// unit after another and waits for all, so a job on a unit that a client has named, and had no job of
// yet, is explained while that client is there: to scan again at once would tell next to nothing.
// Of two clients that name one unit, and of two jobs on one, a scan must tell.
type waiting struct {
	clients []*waiter
	scanned time.Time
}

type waiter struct {
	process
	asks map[string]bool // the units that no job came for yet
	at   time.Time       // when it was first met, or had a job
}

// met takes in what a scan found when jobs had been announced, and says whether it met a client
// that was not known.
func (w *waiting) met(found []process, jobs []announced, at time.Time) (stranger bool) {
	now := make([]*waiter, 0, len(found))
	for _, p := range found {
		k := w.find(p)
		if k == nil {
			k, stranger = &waiter{p, set(p.Units), at}, true
		}
		now = append(now, k)
	}
	w.clients, w.scanned = now, at
	for _, j := range jobs {
		for _, k := range now {
			k.got(j.unit, at)
		}
	}
	return stranger
}

// find gives a process as the last scan met it, nil if it did not.
func (w *waiting) find(p process) *waiter {
	for _, k := range w.clients {
		if k.PID == p.PID && k.ino == p.ino {
			return k
		}
	}
	return nil
}

func set(names []string) map[string]bool {
	s := make(map[string]bool, len(names))
	for _, n := range names {
		s[n] = true
	}
	return s
}

// got notes that a job on a unit came.
func (k *waiter) got(unit string, at time.Time) {
	if k.asks[unit] {
		delete(k.asks, unit)
		k.at = at
	}
}

// explain gives the clients that explain jobs; none where a scan must, which met is then to be
// told of. alive says whether a process is still there.
func (w *waiting) explain(jobs []announced, at time.Time, alive func(process) bool) (clients []enrich.Client) {
	if at.Sub(w.scanned) > scanLasts {
		return nil
	}
	used := map[*waiter]bool{}
	for _, j := range jobs {
		k := w.waitsFor(j.unit)
		if k == nil || at.Sub(k.at) > askingFor || !used[k] && !alive(k.process) {
			return nil
		}
		if !used[k] {
			clients = append(clients, k.Client)
		}
		used[k] = true
		k.got(j.unit, at)
	}
	return clients
}

// waitsFor finds the one client that waits for a unit.
func (w *waiting) waitsFor(unit string) (found *waiter) {
	for _, k := range w.clients {
		if k.asks[unit] {
			if found != nil {
				return nil
			}
			found = k
		}
	}
	return found
}
