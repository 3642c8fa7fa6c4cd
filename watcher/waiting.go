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

// waiting are the clients that scans met, with what they still wait for. systemctl calls for one unit
// after another and waits for all, so a job on a unit that a client has named, and had no job of
// yet, is explained while that client is there: to scan again would tell nothing new. Of two
// clients that name one unit a scan must tell.
type waiting []waiter

type waiter struct {
	process
	asks map[string]bool // the units that no job came for yet
	at   time.Time       // when it was last met, or explained a job
}

// askingFor is how long a client that makes no job is taken to go on asking. There may never be
// a job on a unit that it names, as for try-restart of one that is down.
const askingFor = time.Second

// met takes in what a scan found when jobs had been announced, and says whether it met a client
// that was not known.
func (w *waiting) met(found []process, jobs []announced, at time.Time) (stranger bool) {
	now := make(waiting, 0, len(found))
	for _, p := range found {
		asks := w.asks(p)
		if asks == nil {
			asks, stranger = set(p.Units), true
		}
		now = append(now, waiter{p, asks, at})
	}
	*w = now
	for _, j := range jobs {
		for _, p := range now {
			delete(p.asks, j.unit)
		}
	}
	return stranger
}

// asks is what a process waited for at the last scan; nil for one that was not met then.
func (w waiting) asks(p process) map[string]bool {
	for _, k := range w {
		if k.PID == p.PID && k.ino == p.ino {
			return k.asks
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

// explain gives the clients that explain jobs; none where a scan must. alive says whether a
// process is still there.
func (w waiting) explain(jobs []announced, at time.Time, alive func(process) bool) []enrich.Client {
	by := make([]int, len(jobs))
	used := make([]bool, len(w))
	for i, j := range jobs {
		n, ok := w.waitsFor(j.unit)
		if !ok || at.Sub(w[n].at) > askingFor || !used[n] && !alive(w[n].process) {
			return nil
		}
		by[i], used[n] = n, true
	}
	var clients []enrich.Client
	for n := range w {
		if used[n] {
			clients = append(clients, w[n].Client)
		}
	}
	for i, n := range by {
		delete(w[n].asks, jobs[i].unit)
		w[n].at = at
	}
	return clients
}

// waitsFor finds the one client that waits for a unit.
func (w waiting) waitsFor(unit string) (n int, ok bool) {
	for i := range w {
		if w[i].asks[unit] {
			if ok {
				return 0, false
			}
			n, ok = i, true
		}
	}
	return n, ok
}
