package journal

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sdwhy/enrich"
)

const (
	// tailQueue is how many Tail requests may wait for the child; more are dropped and counted.
	tailQueue = 64
	// fruitless is how often a child may die at one place before that place is given up.
	fruitless = 5

	minBackoff = 20 * time.Millisecond
	maxBackoff = 30 * time.Second
)

// A Follower turns what a manager logs into observations, for ever. Its zero value
// with Exec set follows the local journal's tail for PID 1.
type Follower struct {
	// Exec is the command line of the hidden subcommand whose main is Child, such as
	// {"/proc/self/exe", "journal-child"}.
	Exec []string
	// Directory is the journal's; "" stands for the local journal.
	Directory string
	// Manager is "system" (or ""), or "user-UID-PID".
	Manager string
	// BootID is the stream's boot: entries of others get a BootID. "" is this machine's.
	BootID string
	// Cursor is the entry to begin after, Since (µs since the epoch) when to begin
	// without a cursor; with neither it begins at the tail.
	Cursor string
	Since  int64
	// Log may be nil.
	Log *slog.Logger

	once  sync.Once
	kicks chan struct{}
	tails chan tail

	decode   decoder
	last     record // the entry read last
	place    place  // read up to here
	complete int64  // monotonic µs since when nothing was missed; 0: not following yet
	deaths   int    // children that died since the last entry
	trouble  string // what was logged last, so that it is logged once

	entries, restarts, lost, kicked, dropped atomic.Int64
	up                                       atomic.Bool
}

// Stats are counters since the start.
type Stats struct {
	Entries      int64 // passed on
	Restarts     int64 // children that ended and were started again
	Lost         int64 // times that something was found missing
	Kicks        int64
	TailsDropped int64 // Tail requests that found the queue full
	Up           bool  // follows at the tail
}

func (f *Follower) init() {
	f.once.Do(func() {
		f.kicks, f.tails = make(chan struct{}, 1), make(chan tail, tailQueue)
		if f.Log == nil {
			f.Log = slog.New(slog.DiscardHandler)
		}
	})
}

// Stats may be called at any time.
func (f *Follower) Stats() Stats {
	return Stats{
		Entries: f.entries.Load(), Restarts: f.restarts.Load(), Lost: f.lost.Load(),
		Kicks: f.kicked.Load(), TailsDropped: f.dropped.Load(), Up: f.up.Load(),
	}
}

// Kick says "read on now": journald's own wake-up is up to 500 ms late, its
// entries are readable at once. It never blocks; kicks that meet are one.
func (f *Follower) Kick() {
	f.init()
	f.kicked.Add(1)
	select {
	case f.kicks <- struct{}{}:
	default:
	}
}

// Tail asks for the last n lines (at most 50) that the unit's own processes
// logged in one run. They come as one observation of KindLog, oldest first, with
// secrets masked; no lines is an answer too. It never blocks: with 64 requests
// waiting, or a child that dies, one goes unanswered.
func (f *Follower) Tail(unit, invocation string, n int) {
	f.init()
	select {
	case f.tails <- tail{Unit: unit, Invocation: invocation, Lines: n}:
	default:
		f.dropped.Add(1)
	}
}

// Run follows until ctx ends and then returns nil. It emits from its own
// goroutine: an entry each as it comes, and the journal witness: Up once it
// follows at the tail, Up=false when the child died, Lost when entries are known to be
// missing. While emit blocks, what is new waits in the journal.
func (f *Follower) Run(ctx context.Context, emit func(enrich.Observation)) error {
	f.init()
	m, err := parseManager(f.Manager)
	if err != nil {
		return err
	}
	if f.BootID == "" {
		f.BootID = currentBoot()
	}
	f.decode = decoder{manager: m, boot: f.BootID}
	f.place = place{Cursor: f.Cursor}
	if f.Cursor == "" {
		f.place.Seen = f.Since
	}
	f.complete = f.begin(monotonic(), time.Now().UnixMicro())
	for wait := minBackoff; ; {
		began := time.Now()
		err := f.session(ctx, emit)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > maxBackoff {
			wait = minBackoff
		}
		f.down(err, emit)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, maxBackoff)
	}
}

// begin gives the monotonic time from which on a stream that begins at f.place is
// complete, 1 being this boot's start; 0 at the tail: from now on.
func (f *Follower) begin(mono, now int64) int64 {
	switch {
	case f.place.Cursor != "":
		c := parseCursor(f.place.Cursor)
		if c.boot != f.BootID {
			return 1
		}
		return max(c.monotonic, 1)
	case f.place.Seen > 0:
		return max(mono-(now-f.place.Seen), 1)
	}
	return 0
}

// down says that the child is gone, and why: once for one trouble. A place at which child after child
// dies is given up, so that one damaged page cannot blind it for ever.
func (f *Follower) down(err error, emit func(enrich.Observation)) {
	f.restarts.Add(1)
	if f.up.Swap(false) || f.trouble != err.Error() {
		f.trouble = err.Error()
		f.Log.Warn("journal is not read", "error", err)
		emit(witness(enrich.Witness{Why: err.Error()}))
	}
	var gaveUp gaveUpError
	if errors.As(err, &gaveUp) {
		return
	}
	if f.deaths++; f.deaths >= fruitless {
		f.deaths, f.place = 0, place{Seen: time.Now().UnixMicro()}
		f.lose(loss{Count: -1, Why: "the reader died again and again at one place: gone on from now"}, emit)
	}
}

// session is one child's life.
func (f *Follower) session(ctx context.Context, emit func(enrich.Observation)) error {
	s := spec{where: where{Directory: f.Directory}, Manager: f.Manager, Place: f.place}
	p, err := start(f.Exec, modeFollow, s)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { p.out.SetReadDeadline(time.Unix(1, 0)) })()
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { f.command(p.in, quit) })
	err = frames(p.out, func(kind byte, payload []byte) error { return f.frame(kind, payload, emit) })
	close(quit)
	if why := p.stop(); why != "" && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) {
		err = errors.New("the journal child died: " + why)
	}
	wg.Wait()
	if err == nil {
		err = errors.New("the journal child ended")
	}
	return err
}

// witness makes an observation of the journal witness.
func witness(w enrich.Witness) enrich.Observation {
	w.Name = enrich.WitnessJournal
	return observation(enrich.Observation{Kind: enrich.KindWitness, Witness: w})
}

// observation stamps an observation with the time of receipt.
func observation(o enrich.Observation) enrich.Observation {
	o.Time, o.Mono = time.Now().UnixMicro(), monotonic()
	return o
}
