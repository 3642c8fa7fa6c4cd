package main

import (
	"context"
	"errors"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"sdwhy/enrich"
)

func (a *app) watchCommand() *cobra.Command {
	var record string
	c := newConfig()
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "say live what happens to units, and why",
		Long: `Watch follows systemd live. Each finished job and each end of a run is an event:
what happened, why, how it ended, and the proof. Events go to the terminal, or to
the Riemann servers given.`,
		Example: `  sdwhy watch
  sdwhy watch --output json --include 'nginx*' --include 'php*'
  sdwhy watch --riemann tls://monitor:5554 --tls-ca-cert ca.pem`,
		Args: exactly("watch"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := &watch{app: a, load: func() (*Config, error) { return a.config(cmd) }}
			return w.main(cmd.Context(), record)
		},
	}
	c.outputFlags(cmd.Flags())
	c.watchFlags(cmd.Flags())
	c.riemannFlags(cmd.Flags())
	cmd.Flags().StringVar(&record, "record", "", "record all that is decided on to `file`, for sdwhy replay")
	return cmd
}

// A watch is one run of the watch command: the stages and what joins them.
type watch struct {
	*app
	load     func() (*Config, error) // reads the settings, again at each reload
	config   *Config                 // those in force; the pipeline's goroutine owns it
	stages   *stages
	delivery *delivery
	notifier *notifier
	pipeline *pipeline
	calls    chan func()
	hangups  chan os.Signal
}

// main sets everything up, then runs until ctx ends.
func (w *watch) main(ctx context.Context, record string) error {
	frugal(w.env)
	w.hangups = hangUps()
	defer signal.Stop(w.hangups)
	c, err := w.load()
	if err != nil {
		return err
	}
	w.config, w.calls = c, make(chan func())
	if w.stages, err = newStages(c, w.log); err != nil {
		return err
	}
	defer w.stages.close()
	if w.delivery, err = newDelivery(c, w.stages.outbox, w.log); err != nil {
		return err
	}
	w.notifier = newNotifier(w.log)
	w.notifier.onReady = w.begin
	if w.pipeline, err = w.newPipeline(c, record); err != nil {
		return err
	}
	defer w.pipeline.recorder.close()
	w.pipeline.boot = containerBoot(ctx)
	serve, err := newMetrics(c.Metrics, w)
	if err != nil {
		return err
	}
	return w.run(ctx, serve)
}

// newPipeline makes the pipeline with its outputs.
func (w *watch) newPipeline(c *Config, record string) (*pipeline, error) {
	options := w.stages.options
	p := &pipeline{
		correlator: enrich.New(options), options: options,
		clock: systemClock(), log: w.log, calls: w.calls,
		kicker: newKicker(w.stages.journal.Kick), witness: w.notifier.witness, begun: w.stages.begun,
	}
	var idle rest
	p.chores = append(w.notifier.watchdog(), chore{every: statusEvery, do: w.status},
		chore{every: restEvery, do: func() { idle.look(p.correlator.Stats().Observations, p.tick) }})
	if w.delivery != nil {
		p.chores = append(p.chores, chore{every: heartbeatEvery, do: w.beat})
		p.sinks = append(p.sinks, w.delivery.offer)
	}
	if w.stages.verdicts != nil {
		p.sinks = append(p.sinks, w.stages.verdict)
	}
	var err error
	if p.latency, err = newLatencyLog(w.env("SDWHY_DEBUG_LATENCY")); err != nil {
		return nil, err
	}
	if err := w.output(p, c); err != nil {
		return nil, err
	}
	if record != "" {
		p.recorder, err = newRecorder(record, w.log)
		p.chores = append(p.chores, chore{every: recordFlush, do: func() { p.recorder.flush() }})
	}
	return p, err
}

// output sets what can change at a reload: the filter and the way of printing.
func (w *watch) output(p *pipeline, c *Config) error {
	keep, err := c.filter()
	if err != nil {
		return err
	}
	out, err := newPrinter(c.printed(), w.stdout, styleFor(w.stdout, w.env))
	if err != nil {
		return err
	}
	p.filter, p.printer = keep, out
	return nil
}

// run runs the stages until ctx ends. They stop in the order of the flow, so that
// what a stage still holds finds the next one at work: bus, pipeline, journal, delivery.
func (w *watch) run(ctx context.Context, serve func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	bus, journal := make(chan enrich.Observation, sourceBuffer), make(chan enrich.Observation, sourceBuffer)
	w.pipeline.bus, w.pipeline.journal, w.pipeline.wants = bus, journal, w.stages.answer

	reading, stopReading := context.WithCancel(context.WithoutCancel(ctx))
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	var sources, sinks errgroup.Group
	start := func(g *errgroup.Group, run func() error) {
		g.Go(func() error {
			err := run()
			if err != nil {
				stop() // a stage that gives up ends all
			}
			return err
		})
	}
	start(&sources, func() error { defer close(bus); return w.stages.bus.Run(ctx, into(reading, bus)) })
	start(&sources, func() error { return w.stages.read(reading, into(reading, journal)) })
	start(&sources, func() error { return w.reloads(ctx) })
	start(&sources, func() error { return serve(ctx) })
	start(&sinks, func() error { return w.stages.write(sending) })
	if w.delivery != nil {
		start(&sinks, func() error { return w.delivery.run(sending) })
	}
	defer context.AfterFunc(ctx, w.notifier.stopping)()

	err := w.pipeline.run(ctx)
	stopReading()
	stop()
	err = errors.Join(err, sources.Wait())
	stopSending()
	return errors.Join(err, sinks.Wait())
}

// into sends observations to c; the sender waits for room until ctx ends.
func into(ctx context.Context, c chan<- enrich.Observation) func(enrich.Observation) {
	return func(o enrich.Observation) {
		select {
		case c <- o:
		case <-ctx.Done():
		}
	}
}

// call runs f in the pipeline's goroutine and waits for it; false when ctx ends first.
func (w *watch) call(ctx context.Context, f func()) bool {
	done := make(chan struct{})
	select {
	case w.calls <- func() { f(); close(done) }:
		<-done
		return true
	case <-ctx.Done():
		return false
	}
}

// begin tells the world, once every stage runs.
func (w *watch) begin() {
	w.greet()
	w.status()
	if w.delivery != nil {
		w.beat()
	}
}

func (w *watch) status() { w.notifier.status(w.counters()) }

// beat sends a heartbeat, and saves the place in the journal where nothing was to be sent.
func (w *watch) beat() {
	w.pipeline.offer()
	w.delivery.heartbeat(w.counters())
}

// greet tells a person at a terminal that it works although nothing happens yet.
func (w *watch) greet() {
	if w.config.printed() == outputText && isTerminal(w.stderr) {
		w.log.Info("watching; Ctrl-C ends", "units", w.config.Type)
	}
}
