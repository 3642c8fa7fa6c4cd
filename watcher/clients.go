package watcher

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sdwhy/enrich"
)

// maxPause bounds how long a scanner rests after a scan.
const maxPause = 20 * time.Millisecond

// A scanner looks through /proc when a job is announced: whoever asked for it, and
// waits for it, is still there. It has a goroutine of its own, so that a backlog of
// signals does not delay it. One scan answers for all the jobs announced before it began.
type scanner struct {
	table *table
	count *counters
	wake  chan struct{}

	waiting waiting
	met     atomic.Int64 // when a client was met that was not known, ns of CLOCK_MONOTONIC

	mu   sync.Mutex
	jobs []announced
}

func newScanner(dir string, user bool, count *counters) *scanner {
	return &scanner{table: newTable(dir, user), count: count, wake: make(chan struct{}, 1)}
}

// wanted asks who asked for a job.
func (s *scanner) wanted(job announced) {
	s.mu.Lock()
	s.jobs = append(s.jobs, job)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *scanner) take() []announced {
	s.mu.Lock()
	defer s.mu.Unlock()
	jobs := s.jobs
	s.jobs = nil
	return jobs
}

// run scans until ctx ends. After each scan it rests for as long as the scan took, so that a
// storm of jobs costs half a CPU at most.
func (s *scanner) run(ctx context.Context, q *queue) {
	defer s.table.close()
	s.table.clients() // so that the first one that counts is as quick as the rest
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		began := time.Now()
		jobs := s.take()
		if len(jobs) == 0 {
			continue
		}
		o := s.look(jobs)
		q.put(o)
		if !o.Known {
			pause(ctx, min(time.Since(began), maxPause))
		}
	}
}

// look finds out who asked for jobs, by a scan where that is needed.
func (s *scanner) look(jobs []announced) enrich.Observation {
	o := enrich.Observation{Kind: enrich.KindClients, Jobs: make([]uint32, len(jobs))}
	for i, j := range jobs {
		o.Jobs[i] = j.id
	}
	if o.Clients = s.waiting.explain(jobs, time.Now(), s.table.alive); o.Clients != nil {
		o.Known = true
		return o
	}
	found := s.scan()
	if s.waiting.met(found, jobs, time.Now()) {
		s.met.Store(monotonic())
	}
	o.Clients = clientsOf(found)
	return o
}

// scan scans once and counts what it cost: the CPU time of its thread, which it keeps
// meanwhile.
func (s *scanner) scan() []process {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := threadTime()
	found := s.table.clients()
	s.count.scans.Add(1)
	s.count.scanTime.Add(uint64(threadTime() - began))
	return found
}

// threadTime is the CPU time that the calling thread has used.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
