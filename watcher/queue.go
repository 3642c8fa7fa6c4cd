package watcher

import "sync"

// An item is one thing on its way to the emit goroutine: a signal, a mark, the
// end of a call or a change of the connection (see stream.take for the types).
type item struct {
	at   stamp
	what any
}

// A gap stands in the queue where signals were dropped: n of them, -1 for "some".
type gap struct {
	n   int
	why string
}

// A queue keeps items in the order they were put. Signals beyond max are
// dropped and counted: a gap then follows what was kept. Items of our own are few and
// are never dropped.
type queue struct {
	max   int
	wake  chan struct{}
	clock clock

	mu      sync.Mutex
	buf     []item
	lost    int
	length  int // items not yet told, those already taken included
	signals uint64
	dropped uint64
}

func newQueue(max int) *queue {
	return &queue{max: max, wake: make(chan struct{}, 1), clock: newClock()}
}

// put appends an item of our own.
func (q *queue) put(what any) {
	at := q.clock.now()
	q.mu.Lock()
	q.append(item{at, what})
	q.mu.Unlock()
	q.nudge()
}

// signal appends a signal, or counts it as lost when the queue is full.
func (q *queue) signal(what any) bool {
	at := q.clock.now()
	q.mu.Lock()
	q.signals++
	full := q.length >= q.max
	if full {
		q.dropped++
		q.lost++
	} else {
		q.append(item{at, what})
	}
	q.mu.Unlock()
	q.nudge()
	return !full
}

func (q *queue) append(it item) {
	q.buf = append(q.buf, it)
	q.length++
}

func (q *queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take hands over everything queued and keeps spare for what comes next. What was
// dropped since the last take came after all that was kept, so its gap stands last.
func (q *queue) take(spare []item) []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.lost > 0 {
		q.append(item{q.clock.now(), gap{q.lost, "the queue of signals was full"}})
		q.lost = 0
	}
	taken := q.buf
	q.buf = spare[:0]
	return taken
}

// told says that n taken items are dealt with.
func (q *queue) told(n int) {
	q.mu.Lock()
	q.length -= n
	q.mu.Unlock()
}
