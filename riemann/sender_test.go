package riemann

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riemann/riemann-go-client/proto"

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

// quick are options with waits that suit a test.
func quick(targets ...Target) Options {
	return Options{
		Targets: targets, DialTimeout: 2 * time.Second, AckTimeout: 200 * time.Millisecond, DrainTimeout: 20 * time.Second,
		Flush: time.Millisecond, BackoffMin: time.Millisecond, BackoffMax: 10 * time.Millisecond,
	}
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

func idsOf(events []enrich.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.ID
	}
	return out
}

// TestSinkSeesEveryField has an event with all its fields set decoded by libriemann-client.
func TestSinkSeesEveryField(t *testing.T) {
	sink := startSink(t, sinkBinary(t), "127.0.0.1:0")
	var e enrich.Event
	n := 0
	fillIn(reflect.ValueOf(&e).Elem(), nil, &n, func([]string, string) {})
	e.Action, e.Severity, e.Time = enrich.ActionExit, enrich.Critical, enrich.Stamp(time.Now().UnixMicro())
	e.Description = "\"quoted\" \\ ünïcode\n\x01"
	o := quick(sink.Target)
	o.Mapping = Mapping{Prefix: "systemd/", TTL: 90 * time.Second, Tags: []string{"configured"}, Attributes: map[string]string{"dc": "ams"}}
	s, _ := start(t, o)
	s.Offer(e)
	want := sunk{
		Host: e.Host, Service: "systemd/" + e.Unit, State: "critical", Description: e.Description,
		Time: int64(e.Time) / 1e6, TimeMicros: int64(e.Time), TTL: 90, Metric: e.UptimeS, Tags: append(e.Tags, "configured"),
		Attributes: map[string]string{},
	}
	for _, a := range Convert(e, o.Mapping, time.Now()).Attributes {
		want.Attributes[a.GetKey()] = a.GetValue()
	}
	if diff := cmp.Diff(want, sink.event(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(want.Attributes) < 40 {
		t.Errorf("only %d attributes", len(want.Attributes))
	}
}

// TestSink runs a sender against the C sink in each of its moods.
func TestSink(t *testing.T) {
	bin := sinkBinary(t)
	for _, tt := range []struct {
		name string
		args []string
		dead int
		want func(st Stats) bool
	}{
		{"well", nil, 0, func(st Stats) bool { return st.Retried == 0 && st.Connects == 1 }},
		{"slow", []string{"--delay", "20"}, 0, func(st Stats) bool { return st.Retried == 0 && st.Connects == 1 }},
		{"refuses a service", []string{"--refuse-service", "u17.service"}, 1, func(st Stats) bool { return st.DeadLetters == 1 }},
		{"hangs up", []string{"--hangup", "30"}, 0, nil}, // the first answer is cut, each connection again
	} {
		t.Run(tt.name, func(t *testing.T) {
			sink := startSink(t, bin, "127.0.0.1:0", tt.args...)
			o := quick(sink.Target)
			o.Outbox = openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{})
			s, stop := start(t, o)
			events := numbered(1, 60)
			s.Offer(events...)
			seen := map[string]bool{}
			for len(seen) < len(events)-tt.dead {
				if id := sink.event(t).Attributes["event_id"]; id != "" {
					seen[id] = true
				}
			}
			if tt.want == nil {
				return
			}
			stop()
			st := s.Stats()
			if st.Acked != uint64(len(events)-tt.dead) || st.Queued != 0 || st.Dead != uint64(tt.dead) || !tt.want(st) {
				t.Errorf("stats: %+v", st)
			}
		})
	}
}

// TestSinkRestarted takes the server away for 500 events.
func TestSinkRestarted(t *testing.T) {
	bin := sinkBinary(t)
	sink := startSink(t, bin, "127.0.0.1:0")
	o := quick(sink.Target)
	o.Outbox = openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{})
	s, stop := start(t, o)
	s.Offer(numbered(1, 1)...)
	sink.event(t)
	for s.Stats().Acked == 0 { // else it is sent again, as it must be
		time.Sleep(time.Millisecond)
	}
	address := sink.Target.Address()
	sink.stop()
	s.Offer(numbered(2, 500)...)
	sink = startSink(t, bin, address)
	for i := range 500 {
		if got, want := sink.event(t).Attributes["event_id"], fmt.Sprintf("boot/system/job/%d", i+2); got != want {
			t.Fatalf("event %d: %s, want %s", i, got, want)
		}
	}
	stop()
	if st := s.Stats(); st.Acked != 501 || st.Queued != 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	target := Target{SchemeUDP, "127.0.0.1", conn.LocalAddr().(*net.UDPAddr).Port}
	events := numbered(1, 50)
	huge := make([]string, 20)
	for i := range huge {
		huge[i] = strings.Repeat(fmt.Sprint(i%10), maxText)
	}
	o := quick(target)
	o.Attributes = map[string]string{}
	big := events[25]
	for i, v := range huge[:5] {
		o.Attributes[fmt.Sprint("big", i)] = v[:maxText-50]
	}
	s, stop := start(t, o)
	s.Offer(big) // five attributes of 4 KiB: no datagram holds it
	stop()
	if st := s.Stats(); st.Dead != 1 || st.Sent != 0 {
		t.Errorf("too large: %+v", st)
	}
	s, stop = start(t, quick(target))
	s.Offer(events...)
	stop()
	if st := s.Stats(); st.Unacked != 50 || st.Acked != 0 || st.Queued != 0 {
		t.Errorf("stats: %+v", st)
	}
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for got, buf := 0, make([]byte, 1<<16); got < 50; {
		n, _, err := conn.ReadFrom(buf)
		if err != nil || n > maxDatagram {
			t.Fatalf("datagram of %d: %v", n, err)
		}
		got += strings.Count(string(buf[:n]), "event_id")
	}
}

// TestHeartbeat must not wait behind events that cannot be delivered, nor outlive its ttl.
func TestHeartbeat(t *testing.T) {
	sink := startSink(t, sinkBinary(t), "127.0.0.1:0")
	o := quick(sink.Target)
	o.Host = "h"
	s, stop := start(t, o)
	metric, at := 3.0, time.Now()
	s.Heartbeat(Heartbeat{
		Time: at, State: enrich.OK, Description: "fine", TTL: 30 * time.Second, Metric: &metric,
		Counters: map[string]float64{"events": 1234567, "unknown_share": 0.25, "state": 1},
	})
	want := sunk{
		Host: "h", Service: "sdwhy", State: "ok", Description: "fine", Time: at.Unix(), TimeMicros: at.UnixMicro(), TTL: 30, Metric: &metric,
		Tags: []string{"sdwhy", "heartbeat"}, Attributes: map[string]string{"events": "1234567", "unknown_share": "0.25", "event_state": "1"},
	}
	if diff := cmp.Diff(want, sink.event(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.Heartbeat(Heartbeat{Time: at.Add(-time.Minute), TTL: 30 * time.Second})
	stop()
	if len(sink.Events) != 0 {
		t.Errorf("an expired heartbeat was sent: %+v", <-sink.Events)
	}
}

// TestBackoff lets no server answer for an hour of a bubble's time.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards both
		var attempts []time.Time
		up := false
		o := Options{Targets: []Target{{SchemeTCP, "a", 1}, {SchemeTCP, "b", 1}}}
		o.dial = func(context.Context, Target, Options) (client, error) {
			mu.Lock()
			defer mu.Unlock()
			attempts = append(attempts, time.Now())
			if up {
				near, far := net.Pipe()
				go (&server{}).talk(far)
				return newStream(near, time.Second), nil
			}
			return nil, errors.New("away")
		}
		s, stop := start(t, o)
		s.Offer(numbered(1, 1)...)
		time.Sleep(time.Hour)
		synctest.Wait()
		mu.Lock()
		lowest, highest := time.Hour, time.Duration(0)
		for i := 2; i+1 < len(attempts); i += 2 { // the second server follows the first at once
			if gap := attempts[i+1].Sub(attempts[i]); gap != 0 {
				t.Errorf("attempt %d came %v after the one before it", i+1, gap)
			}
			gap := attempts[i].Sub(attempts[i-1])
			lowest, highest = min(lowest, gap), max(highest, gap)
		}
		if lowest < 50*time.Millisecond || highest > 30*time.Second || len(attempts) < 2*3600/30 || len(attempts) > 2*4*3600/30 {
			t.Errorf("%d attempts in an hour, waits from %v to %v", len(attempts), lowest, highest)
		}
		up = true
		mu.Unlock()
		time.Sleep(time.Minute)
		stop()
		if st := s.Stats(); st.Acked != 1 || s.backoff.wait != 0 {
			t.Errorf("after the server's return: %+v, backoff %v", st, s.backoff.wait)
		}
	})
}

// TestDrain ends senders whose server is away: with a disk at once, without one after DrainTimeout.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{Targets: []Target{{SchemeTCP, "a", 1}}, DrainTimeout: 7 * time.Second}
		o.dial = func(context.Context, Target, Options) (client, error) { return nil, errors.New("away") }
		s, stop := start(t, o)
		s.Offer(numbered(1, 3)...)
		synctest.Wait()
		began := time.Now()
		stop()
		if took := time.Since(began); took != 7*time.Second || s.Stats().Unstored != 3 {
			t.Errorf("without a disk: %v, %+v", took, s.Stats())
		}
	})
	o := quick(Target{SchemeTCP, "127.0.0.1", 1})
	o.Outbox = openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{})
	o.DrainTimeout = time.Hour
	s, stop := start(t, o)
	s.Offer(numbered(1, 3)...)
	stop()
	if st := s.Stats(); st.Queued != 3 || st.Unstored != 0 {
		t.Errorf("with a disk: %+v", st)
	}
}

// TestMemoryDrops offers more than memory holds while no server answers: Offer must
// return, and say what went.
func TestMemoryDrops(t *testing.T) {
	s, err := New(quick(Target{SchemeTCP, "127.0.0.1", 1}))
	if err != nil {
		t.Fatal(err)
	}
	crash := numbered(1, 5)
	for i := range crash {
		crash[i].Severity = enrich.Critical
	}
	s.Offer(crash...)
	const more = 3000
	for i := 0; i < memoryEvents+more; i += 1000 {
		s.Offer(numbered(10+i, 1000)...)
	}
	st := s.Stats()
	if st.Dropped[enrich.OK] < more || st.Dropped[enrich.Critical] != 0 || uint64(st.Queued)+st.Dropped[enrich.OK] != st.Offered {
		t.Errorf("stats: %+v", st)
	}
}

// TestNoLeak makes 200 connections and wants no goroutine to stay.
func TestNoLeak(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("reconnects", func(t *testing.T) {
		sv := &server{}
		var n atomic.Int32
		sv.answer = func(conn net.Conn, m *proto.Msg) bool {
			sv.take(m)
			ack(conn, true, "")
			return n.Add(1) > 200
		}
		serve(t, sv, nil)
		s, stop := start(t, quick(sv.Target))
		for i := range 210 {
			s.Offer(numbered(i, 1)...)
			for s.Stats().Acked <= uint64(i) {
				time.Sleep(100 * time.Microsecond)
			}
		}
		stop()
		if st := s.Stats(); st.Connects < 200 || st.Acked != 210 {
			t.Errorf("stats: %+v", st)
		}
	})
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

// TestOfferWhileStalled offers from many goroutines while the server is silent.
func TestOfferWhileStalled(t *testing.T) {
	sv := serve(t, &server{answer: func(net.Conn, *proto.Msg) bool { return true }}, nil)
	o := quick(sv.Target)
	o.AckTimeout, o.DrainTimeout = time.Hour, time.Millisecond
	o.Outbox = openTest(t, filepath.Join(t.TempDir(), "outbox"), OutboxOptions{})
	s, stop := start(t, o)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				s.Offer(numbered(g*50+i, 1)...)
			}
		})
	}
	wg.Wait()
	stop() // ends though an answer is awaited for an hour
	if st := s.Stats(); st.Queued != 400 || st.Unstored != 0 {
		t.Errorf("stats: %+v", st)
	}
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no riemann server": {},
		"attribute \"ttl\"": {Targets: []Target{{}}, Mapping: Mapping{Attributes: map[string]string{"ttl": "1"}}},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %s, got %v", name, err)
		}
	}
}
