package watcher

import (
	"sync"

	"sdwhy/enrich"
)

// maxRequests bounds the reads that wait for the bus; one more fails at once.
const maxRequests = 4096

// A request is a read of a unit's configuration, of what it triggers alone, or of a job's type.
type request struct {
	unit     string
	triggers bool
	job      uint32
}

// fail answers a request that cannot be fulfilled. A job's type needs no answer.
func (r request) fail(q *queue, why string) {
	if r.unit != "" {
		q.put(enrich.Observation{Kind: enrich.KindConfig, Unit: r.unit, Config: unreadable(why)})
	}
}

// requests wait, once each, for a link to read them. The zero value is closed.
type requests struct {
	mu      sync.Mutex
	open    bool
	waiting []request
	known   map[request]bool // waiting or being read
	wake    chan struct{}    // of the link that is open
}

// add queues a request; it says why it cannot.
func (q *requests) add(r request) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !q.open:
		return "not connected to the bus"
	case q.known[r]:
		return ""
	case len(q.known) >= maxRequests:
		return "too many reads are waiting"
	}
	q.known[r] = true
	q.waiting = append(q.waiting, r)
	q.nudge()
	return ""
}

func (q *requests) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next takes the oldest request; done must follow.
func (q *requests) next() (request, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return request{}, false
	}
	r := q.waiting[0]
	q.waiting = q.waiting[1:]
	return r, true
}

func (q *requests) done(r request) {
	q.mu.Lock()
	delete(q.known, r)
	q.mu.Unlock()
}

// start opens for a new link and gives the channel that announces requests.
func (q *requests) start() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open, q.known, q.wake = true, map[request]bool{}, make(chan struct{}, 1)
	return q.wake
}

// stop closes and gives what was not answered.
func (q *requests) stop() []request {
	q.mu.Lock()
	defer q.mu.Unlock()
	var left []request
	for r := range q.known {
		left = append(left, r)
	}
	q.open, q.waiting, q.known = false, nil, nil
	return left
}
