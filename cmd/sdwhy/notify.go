package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"sdwhy/enrich"
)

// A notifier tells the service manager how sdwhy is (man sd_notify). Without a
// manager that wants to know, it says nothing. The pipeline's goroutine owns it.
type notifier struct {
	send func(state string)
	log  *slog.Logger
	bus  bool // the bus is subscribed
	// journal is whether the journal has been tried: it follows, or has said why not.
	journal bool
	ready   bool
	onReady func()
}

func newNotifier(log *slog.Logger) *notifier {
	return &notifier{log: log, send: func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			log.Warn("cannot tell the service manager", "state", state, "error", err)
		}
	}}
}

// witness says READY=1 once every stage runs: the bus is subscribed, and the
// journal is read or has said why it cannot be (then sdwhy still tells what the bus
// shows, and missing names the rest). A Riemann that is away delays nothing: events wait for it.
func (n *notifier) witness(w enrich.Witness) {
	switch w.Name {
	case enrich.WitnessBus:
		n.bus = w.Up
	case enrich.WitnessJournal:
		n.journal = true
	}
	if n.bus && n.journal && !n.ready {
		n.ready = true
		n.send(daemon.SdNotifyReady)
		if n.onReady != nil {
			n.onReady()
		}
	}
}

// watchdog is a chore that answers the watchdog, twice as often as it must; nil without one.
func (n *notifier) watchdog() []chore {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		n.log.Warn("no watchdog", "error", err)
	}
	if err != nil || interval <= 0 {
		return nil
	}
	return []chore{{every: interval / 2, do: func() { n.send(daemon.SdNotifyWatchdog) }}}
}

// statusEvery is how often STATUS= is told.
const statusEvery = 30 * time.Second

func (n *notifier) status(c counters) { n.send("STATUS=" + c.String()) }

func (n *notifier) stopping() { n.send(daemon.SdNotifyStopping) }

// reloading begins a reload; loaded ends it.
func (n *notifier) reloading(mono int64) {
	n.send(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, mono))
}

func (n *notifier) loaded() { n.send(daemon.SdNotifyReady) }
