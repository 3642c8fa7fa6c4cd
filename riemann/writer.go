package riemann

import (
	"context"
	"log/slog"
	"time"
)

const (
	// commitEvery is the least time between two transactions: the first event after a
	// pause is written at once, those of a storm together.
	commitEvery = 10 * time.Millisecond
	// ackLinger is how long the removal of delivered events waits for new ones to share
	// their transaction. A crash in between costs a duplicate.
	ackLinger = 100 * time.Millisecond
	// tidyEvery is how often a cursor that moved without events is saved, and drops are reported.
	tidyEvery = 5 * time.Second
	// retryEvery is how often a disk that failed is tried again.
	retryEvery = time.Second
)

// run writes until ctx ends, and a last time then. Memory-only outboxes have only drops to report.
func (b *Outbox) run(ctx context.Context) {
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	for {
		pause, last := commitEvery, ctx.Err() != nil
		if err := b.commit(); err != nil {
			pause = retryEvery
			signal(b.dirty)
		}
		b.report()
		if last {
			return
		}
		sleep(ctx, pause)
		select {
		case <-ctx.Done():
		case <-b.dirty:
		case <-tidy.C:
		case <-b.acks:
			b.linger(ctx)
		}
	}
}

func (b *Outbox) linger(ctx context.Context) {
	t := time.NewTimer(ackLinger)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-b.dirty:
	case <-t.C:
	}
}

// fail notes why the disk does not take events, says it once, and turns to memory.
func (b *Outbox) fail(err error) {
	b.mu.Lock()
	first := b.fault == nil
	b.fault = err
	n := b.pending.n
	b.mu.Unlock()
	if first {
		b.o.Log.Error("outbox cannot be written: events stay in memory until it can, and are lost if sdwhy dies",
			"path", b.path, "err", err, "events", n)
	}
	signal(b.dirty)
	signal(b.ready)
}

// report logs what was dropped since the last time.
func (b *Outbox) report() {
	b.mu.Lock()
	now, before := b.counts.dropped, b.counts.reported
	b.counts.reported = now
	b.mu.Unlock()
	if now == before {
		return
	}
	at := slog.LevelWarn
	if now[levelCritical] > before[levelCritical] {
		at = slog.LevelError
	}
	b.o.Log.Log(context.Background(), at, "events dropped undelivered: the outbox is full, or they are too old",
		"ok", now[levelOK]-before[levelOK], "warning", now[levelWarning]-before[levelWarning],
		"critical", now[levelCritical]-before[levelCritical])
}
