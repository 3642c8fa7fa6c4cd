package integration

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// settle is how long events too many are waited for, after the last wanted one.
const settle = 400 * time.Millisecond

// A Played is what came of a scenario.
type Played struct {
	Events []map[string]any
	Faults []string
	// From and To are CLOCK_MONOTONIC, µs: what was observed between is the scenario's.
	From, To int64
}

// Play plays a scenario and compares the events of its units with those wanted.
func (w *World) Play(ctx context.Context, s *Scenario, all []*Scenario, version int) (Played, error) {
	want, err := s.Want(version)
	if err != nil {
		return Played{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	p := Played{From: monotonic()}
	since := fmt.Sprintf("SCENARIO_SINCE=%.6f", float64(time.Now().UnixMicro())/1e6)
	if err := w.act(ctx, s, since); err != nil {
		return p, err
	}
	p.Events, err = w.Events.Collect(ctx, settle,
		func(e map[string]any) bool { unit, _ := e["unit"].(string); return Owner(all, unit) == s.Name },
		func(events []map[string]any) bool { return len(events) >= wanted(want) })
	p.To = monotonic()
	if s.Headers["phase"] == "boot" {
		p.From = 0
	}
	p.Faults = Compare(want, forgive(p.Events), s.Leeway())
	return p, err
}

// act runs the scenario's script; at shutdown, it is followed by the power-off.
func (w *World) act(ctx context.Context, s *Scenario, since string) error {
	if _, err := w.play(ctx, "env", since, "bash", s.script()); err != nil {
		return err
	}
	switch {
	case s.Headers["phase"] == "shutdown" && s.user:
		return w.StopUser(ctx)
	case s.Headers["phase"] == "shutdown":
		return w.PowerOff(ctx)
	}
	return nil
}

// play runs a command as who plays the scenarios here.
func (w *World) play(ctx context.Context, argv ...string) (string, error) {
	return w.Run(ctx, append(w.player[:len(w.player):len(w.player)], argv...)...)
}

// Tidy stops what a scenario left behind, so that the next one starts clean.
func (w *World) Tidy(ctx context.Context, s *Scenario) error {
	_, err := w.play(ctx, "bash", "-c", s.prelude()+`set +e; for u in "$0"-* "$0"@* "$0".*; do systemctl stop "$u"; systemctl reset-failed "$u"; done 2>/dev/null; :`, s.Name)
	return err
}

// wanted counts the events that must come.
func wanted(want []map[string]any) int {
	n := 0
	for _, w := range want {
		if w[absent] == nil {
			n++
		}
	}
	return n
}

// monotonic is CLOCK_MONOTONIC in µs: containers share it with the host.
func monotonic() int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return now.Nano() / 1000
}
