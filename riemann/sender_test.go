package riemann

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sdwhy/enrich"
)

// start runs a sender until the test ends; the returned func ends it earlier.
func start(t testing.TB, o Options) (*Sender, func()) {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	stop := func() { cancel(); <-done }
	t.Cleanup(stop)
	return s, stop
}

// numbered are n events with the ids from first on.
func numbered(first, n int) []enrich.Event {
	out := make([]enrich.Event, n)
	for i := range out {
		out[i] = enrich.Event{
			ID: fmt.Sprintf("boot/system/job/%d", first+i), Unit: fmt.Sprintf("u%d.service", first+i), Time: enrich.Stamp(time.Now().UnixMicro()),
			Action: enrich.ActionStart, Result: "done", Cause: enrich.CauseManual, Severity: enrich.OK, Tags: []string{"systemd"}, Description: "started",
		}
	}
	return out
}

func TestSenderReachesSink(t *testing.T) {
	sink := startSink(t, sinkBinary(t), "127.0.0.1:0")
	s, stop := start(t, Options{Targets: []Target{sink.Target}, Mapping: Mapping{Prefix: "systemd/"}})
	s.Offer(numbered(1, 250)...)
	for i := range 250 {
		if got, want := sink.event(t).Attributes["event_id"], fmt.Sprintf("boot/system/job/%d", i+1); got != want {
			t.Fatalf("event %d: id %q, want %q", i, got, want)
		}
	}
	stop()
	if st := s.Stats(); st.Acked != 250 || st.Queued != 0 || st.Retried != 0 {
		t.Errorf("stats: %+v", st)
	}
}
