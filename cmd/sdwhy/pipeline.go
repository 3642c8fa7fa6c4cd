package main

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"sdwhy/enrich"
)

// A correlator decides; *enrich.Correlator is one.
type correlator interface {
	Observe(enrich.Observation) []enrich.Event
	// Deadline is the CLOCK_MONOTONIC µs at which a tick is due, 0 for none.
	Deadline() int64
	// Pending is how many jobs and exits wait for an entry of the journal.
	Pending() int
	// Place is the journal cursor after which a restart finds all that is not told yet.
	Place() string
	// Wants are questions, each handed over once.
	Wants() enrich.Wants
	Stats() enrich.Stats
}

const (
	// sourceBuffer is how many observations wait between a source and the pipeline.
	// A full buffer blocks the source, whose own queue bounds and counts the loss.
	sourceBuffer = 256
	// batch is how many observations are taken before output is flushed, the
	// journal kicked and questions are asked: what a storm shares the cost of.
	batch = 64
	// drainFor bounds how long a stop waits for the evidence of finished jobs. It
	// is over the correlator's own deadline (250 ms).
	drainFor = 500 * time.Millisecond
	// minTick keeps a deadline that lies in the past from becoming a busy loop.
	minTick = time.Millisecond
)

// A pipeline is the one goroutine that owns the correlator: it takes
// observations and ticks in, records them, and hands events on.
type pipeline struct {
	correlator correlator
	options    enrich.Options // the correlator's, for the record
	boot       string         // overrides each stream's boot id
	clock      clock
	log        *slog.Logger

	// In. A nil channel is a source that does not exist.
	bus, journal <-chan enrich.Observation
	// calls are run between observations, by the pipeline's own goroutine.
	calls <-chan func()

	// Out. filter chooses what printer and sinks get. wants is asked the correlator's
	// questions. None of them may block for long.
	recorder *recorder
	filter   *filter
	printer  *printer
	sinks    []func(cursor string, events []enrich.Event)
	wants    func(enrich.Wants)
	kicker   *kicker
	latency  *latencyLog

	// chores are done by this very goroutine, so that a watchdog answered from it
	// proves that the loop goes round.
	chores []chore
	// begun is told of each stream's host, witness when a source comes up or goes away.
	begun   func(enrich.Host)
	witness func(enrich.Witness)

	offered   []enrich.Event // of this batch, for the sinks
	lag       time.Duration  // from its writing to its arrival
	place     string         // in the journal, that the sinks were last told
	kickDue   bool
	started   bool
	printFail bool
}

// run works until ctx ends, then waits for the bus to end and for the evidence of
// what has finished.
func (p *pipeline) run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	chores := newChores(p.chores)
	defer chores.timer.Stop()
	var drained <-chan time.Time
	stop := ctx.Done()
	for {
		p.settle(timer)
		if stop == nil && p.idle() {
			return p.finish()
		}
		select {
		case o, ok := <-p.bus:
			p.take(o, ok)
		case o := <-p.journalOnceStarted():
			p.take(o, true)
		case <-timer.C:
			p.tick()
		case <-p.kicker.timer.C:
			p.kicker.next(p.correlator.Pending())
		case call := <-p.calls:
			call()
		case <-chores.timer.C:
			chores.run()
		case <-stop:
			stop, drained = nil, time.After(drainFor)
		case <-drained:
			return p.finish()
		}
	}
}

// journalOnceStarted keeps the journal waiting until the bus has said which machine,
// boot and manager this is about: KindStart opens every stream.
func (p *pipeline) journalOnceStarted() <-chan enrich.Observation {
	if !p.started {
		return nil
	}
	return p.journal
}

// take observes o and what else is at hand, up to a batch. A closed bus is forgotten.
func (p *pipeline) take(o enrich.Observation, ok bool) {
	for n := 1; ; n++ {
		if !ok {
			p.bus = nil
		} else {
			p.observe(o)
		}
		if n == batch { // before the next is received: what is received must be observed
			return
		}
		select {
		case o, ok = <-p.bus:
		case o, ok = <-p.journalOnceStarted():
		default:
			return
		}
	}
}

// observe feeds one observation through.
func (p *pipeline) observe(o enrich.Observation) {
	if o.Kind == enrich.KindStart {
		o.Options, p.started = p.options, true
		o.Host.BootID = cmp.Or(p.boot, o.Host.BootID)
		p.begun(o.Host)
	}
	o = p.recorder.write(o)
	before := p.correlator.Pending()
	if o.Kind == enrich.KindJobRemoved {
		p.latency.removed(o) // first: the event may come at once
	}
	p.emit(p.correlator.Observe(o))
	if o.Kind == enrich.KindEntry {
		p.lag = time.Duration(max(0, o.Time-o.Entry.Time)) * time.Microsecond
	}
	if o.Kind == enrich.KindWitness && p.witness != nil {
		p.witness(o.Witness)
	}
	if o.Kind == enrich.KindJobRemoved {
		p.kickDue = true
	}
	if p.correlator.Pending() > before {
		p.kickDue = true
	}
}

// tick tells the correlator the time.
func (p *pipeline) tick() {
	p.observe(enrich.Observation{Kind: enrich.KindTick, Time: p.clock.now(), Mono: p.clock.mono()})
	p.recorder.flush()
}

// emit hands events to the outputs that they are meant for.
func (p *pipeline) emit(events []enrich.Event) {
	for _, e := range events {
		if !p.filter.keep(e) {
			continue
		}
		p.printed(p.printer.Write(e))
		p.latency.wrote(e)
		p.offered = append(p.offered, e)
	}
}

// settle ends a batch: output goes out, the journal is kicked, questions are asked, and
// the next tick is set.
func (p *pipeline) settle(timer *time.Timer) {
	p.printed(p.printer.Flush())
	p.latency.flush(p.clock.mono)
	if p.kickDue {
		p.kickDue = false
		p.kicker.begin()
	}
	p.offer()
	p.wants(p.correlator.Wants())
	if due := p.correlator.Deadline(); due > 0 {
		timer.Reset(max(minTick, time.Duration(due-p.clock.mono())*time.Microsecond))
	} else {
		timer.Stop()
	}
}

// offer hands the batch's events to the sinks, and the place in the journal from which a
// restart is to go on, where that has moved.
func (p *pipeline) offer() {
	moved := ""
	if place := p.correlator.Place(); place != p.place {
		moved, p.place = place, place
	}
	if len(p.offered) == 0 && moved == "" {
		return
	}
	for _, sink := range p.sinks {
		sink(moved, p.offered)
	}
	p.offered = p.offered[:0]
}

// printed says once that printing failed. What else there is goes on.
func (p *pipeline) printed(err error) {
	if err != nil && !p.printFail {
		p.printFail = true
		p.log.Error("cannot print events, and some are not shown", "error", err)
	}
}

// idle reports whether everything seen has become its event.
func (p *pipeline) idle() bool {
	return p.bus == nil && p.correlator.Pending() == 0 && len(p.journal) == 0
}

// finish flushes what is buffered.
func (p *pipeline) finish() error {
	p.printed(p.printer.Flush())
	p.latency.flush(p.clock.mono)
	p.offer()
	p.recorder.flush()
	return nil
}
