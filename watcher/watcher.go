package watcher

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"sdwhy/enrich"
)

const (
	defaultQueue = 1 << 20
	probeEvery   = 30 * time.Second
	callTimeout  = 30 * time.Second // a daemon-reload may keep PID 1 that busy
	dialTimeout  = 10 * time.Second
	minBackoff   = 100 * time.Millisecond
	maxBackoff   = 10 * time.Second
)

// A Watcher watches one systemd manager. The zero value watches the system's.
// Its fields must not change once Run has begun, and Run may be called once.
type Watcher struct {
	// Address is the D-Bus address, of the form unix:path=… or unix:abstract=…. Empty is
	// $DBUS_SYSTEM_BUS_ADDRESS or the usual socket; with User, $DBUS_SESSION_BUS_ADDRESS
	// or $XDG_RUNTIME_DIR/bus.
	Address string
	// User watches the user manager of that bus.
	User bool
	// Proc is where procfs is mounted; "" is /proc.
	Proc string
	// Queue bounds the signals waiting to be told, 0 is 1<<20. Signals beyond it are
	// dropped, counted and announced as lost, and the state is listed anew.
	Queue int
	// Log takes what an administrator should know; nil is silence.
	Log *slog.Logger

	requests requests
	count    counters
	queue    atomic.Pointer[queue]
	epoch    atomic.Uint64 // how often the manager was seen to begin or end a reload

	probe time.Duration // instead of probeEvery, for tests
}

// Stats counts what a Watcher has seen since it began.
type Stats struct {
	Signals     uint64        // signals that arrived and are wanted
	Dropped     uint64        // of those, dropped because the queue was full
	Undecodable uint64        // signals that were not what systemd sends
	Queued      int           // signals waiting to be told
	Reconnects  uint64        // connections made after the first
	Resyncs     uint64        // listings, the first one included
	ConfigReads uint64        // units whose configuration was read
	Scans       uint64        // scans of /proc
	ScanTime    time.Duration // CPU time of these scans
}

type counters struct {
	undecodable, connects, resyncs, configs, scans, scanTime atomic.Uint64
}

// Run watches until ctx ends, reconnecting for ever, and calls emit for each
// observation: from one goroutine, signals in the order in which systemd sent them. It
// returns nil.
func (w *Watcher) Run(ctx context.Context, emit func(enrich.Observation)) error {
	max := w.Queue
	if max <= 0 {
		max = defaultQueue
	}
	q := newQueue(max)
	w.queue.Store(q)
	scan := newScanner(w.procDir(), w.User, &w.count)

	ctx, stop := context.WithCancel(ctx)
	links := make(chan struct{})
	scans := make(chan struct{})
	go func() { defer close(links); w.connect(ctx, q, scan) }()
	go func() { defer close(scans); scan.run(ctx, q) }()

	s := &stream{w: w, q: q, emit: emit}
	s.run(ctx)
	stop()
	<-links
	<-scans
	return nil
}

// ReadConfig asks for a unit's configuration. A KindConfig observation follows,
// with Failed set when it cannot be read. It does not block; asking again for a unit that is
// still being read changes nothing.
func (w *Watcher) ReadConfig(unit string) { w.ask(request{unit: unit}) }

// ReadTriggers asks what a unit triggers. A KindTriggers observation follows, or a KindConfig with
// Failed set when it cannot be read. It does not block. To answer costs PID 1 some 70 µs where
// all of the configuration costs a millisecond: systemd looks through the unit's files then, for
// NeedDaemonReload (257, measured; src/core/dbus-unit.c).
func (w *Watcher) ReadTriggers(unit string) { w.ask(request{unit: unit, triggers: true}) }

// ReadJobType asks for a job's type. A KindJobType observation follows if the job
// still exists. It does not block.
func (w *Watcher) ReadJobType(id uint32) { w.ask(request{job: id}) }

func (w *Watcher) ask(r request) {
	if q := w.queue.Load(); q != nil {
		if why := w.requests.add(r); why != "" {
			r.fail(q, why)
		}
	}
}

// Stats may be called at any time.
func (w *Watcher) Stats() Stats {
	c := &w.count
	s := Stats{
		Undecodable: c.undecodable.Load(),
		Resyncs:     c.resyncs.Load(),
		ConfigReads: c.configs.Load(),
		Scans:       c.scans.Load(),
		ScanTime:    time.Duration(c.scanTime.Load()),
	}
	if n := c.connects.Load(); n > 0 {
		s.Reconnects = n - 1
	}
	if q := w.queue.Load(); q != nil {
		q.mu.Lock()
		s.Signals, s.Dropped, s.Queued = q.signals, q.dropped, q.length
		q.mu.Unlock()
	}
	return s
}

func (w *Watcher) procDir() string {
	if w.Proc == "" {
		return "/proc"
	}
	return w.Proc
}

func (w *Watcher) log() *slog.Logger {
	if w.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return w.Log
}
