package riemann

import (
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riemann/riemann-go-client/proto"
)

// TestFaults has a server misbehave on its first messages; all events must arrive in spite of it,
// and none may be taken for delivered that the server did not accept.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault func(conn net.Conn, m *proto.Msg) bool
	}{
		{"never answers", func(net.Conn, *proto.Msg) bool { return true }},
		{"answers late", func(conn net.Conn, _ *proto.Msg) bool {
			time.AfterFunc(300*time.Millisecond, func() { ack(conn, true, "") })
			return true
		}},
		{"hangs up", func(net.Conn, *proto.Msg) bool { return false }},
		{"hangs up within the answer", func(conn net.Conn, _ *proto.Msg) bool { conn.Write([]byte{0, 0, 0, 2, 0x10}); return false }},
		{"refuses", func(conn net.Conn, _ *proto.Msg) bool { return ack(conn, false, "stream failed") }},
		{"refuses and hangs up", func(conn net.Conn, _ *proto.Msg) bool { ack(conn, false, "stream failed"); return false }},
		{"empty answer", func(conn net.Conn, _ *proto.Msg) bool { conn.Write([]byte{0, 0, 0, 0}); return true }},
		{"endless answer", func(conn net.Conn, _ *proto.Msg) bool { conn.Write([]byte{0xff, 0xff, 0xff, 0xff}); return true }},
		{"speaks something else", func(conn net.Conn, _ *proto.Msg) bool { conn.Write([]byte("HTTP/1.1 400 no\r\n\r\n")); return true }},
		{"garbage of the right length", func(conn net.Conn, _ *proto.Msg) bool { conn.Write([]byte{0, 0, 0, 3, 0xff, 0xff, 0xff}); return true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var messages atomic.Int32
			sv := &server{}
			sv.answer = func(conn net.Conn, m *proto.Msg) bool {
				if messages.Add(1) <= 3 {
					return tt.fault(conn, m)
				}
				sv.take(m)
				return ack(conn, true, "")
			}
			serve(t, sv, nil)
			s, stop := start(t, quick(sv.Target))
			events := numbered(1, 250)
			s.Offer(events...)
			stop()
			got, _ := sv.got()
			if diff := cmp.Diff(idsOf(events), got); diff != "" {
				t.Errorf("accepted (-want +got):\n%s", diff)
			}
			if st := s.Stats(); st.Acked != 250 || st.Dead != 0 || st.Queued != 0 {
				t.Errorf("stats: %+v", st)
			}
		})
	}
}

// TestTwoAnswers has a server answer each message twice: the second answer must not
// stand for the next message.
func TestTwoAnswers(t *testing.T) {
	var messages atomic.Int32
	sv := &server{}
	sv.answer = func(conn net.Conn, m *proto.Msg) bool {
		if messages.Add(1) > 1 { // the second message is swallowed, but an answer to it is there already
			sv.take(m)
		}
		return ack(conn, true, "") && ack(conn, true, "again")
	}
	serve(t, sv, nil)
	c, err := dial(t.Context(), sv.Target, mustDefaults(t, quick(sv.Target)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.send(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.(*stream).read.Peek(1); err != nil {
		t.Fatal(err)
	}
	if err := c.send(nil); err == nil {
		t.Error("a second answer was taken for the next message's")
	}
}

func mustDefaults(t testing.TB, o Options) Options {
	t.Helper()
	o, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestRefusesAll has a server refuse whatever comes: nothing may become a dead letter.
func TestRefusesAll(t *testing.T) {
	var fine atomic.Bool
	sv := &server{}
	sv.answer = func(conn net.Conn, m *proto.Msg) bool {
		if !fine.Load() {
			return ack(conn, false, "all streams are broken")
		}
		sv.take(m)
		return ack(conn, true, "")
	}
	serve(t, sv, nil)
	s, stop := start(t, quick(sv.Target))
	s.Offer(numbered(1, 20)...)
	for sent := uint64(0); sent < 100; sent = s.Stats().Sent {
		runtime.Gosched()
	}
	if st := s.Stats(); st.Dead != 0 || st.Acked != 0 || !strings.Contains(st.LastError, "broken") {
		t.Errorf("stats: %+v", st)
	}
	fine.Store(true)
	stop()
	if got, _ := sv.got(); len(got) != 20 {
		t.Errorf("%d of 20 arrived", len(got))
	}
}

// TestFailover goes down the list of servers, and back to the first.
func TestFailover(t *testing.T) {
	var firstSilent atomic.Bool
	firstSilent.Store(true)
	first, second := &server{}, serve(t, &server{}, nil)
	first.answer = func(conn net.Conn, m *proto.Msg) bool {
		if firstSilent.Load() {
			return true
		}
		first.take(m)
		return ack(conn, true, "")
	}
	serve(t, first, nil)
	o := quick(first.Target, Target{SchemeTCP, "127.0.0.1", 1}, second.Target)
	o.FailBack = 100 * time.Millisecond
	s, stop := start(t, o)
	s.Offer(numbered(1, 10)...)
	for {
		if ids, _ := second.got(); len(ids) == 10 {
			break
		}
		runtime.Gosched()
	}
	firstSilent.Store(false)
	for i := 11; ; i++ {
		s.Offer(numbered(i, 1)...)
		if ids, _ := first.got(); len(ids) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if st := s.Stats(); st.Connected != first.Target.String() {
		t.Errorf("connected to %s", st.Connected)
	}
	stop()
	a, _ := first.got()
	b, _ := second.got()
	if all := slices.Concat(b, a); !slices.IsSortedFunc(all, func(x, y string) int { return len(x) - len(y) }) || s.Stats().Acked != uint64(len(all)) {
		t.Errorf("arrived %v, acked %d", all, s.Stats().Acked)
	}
}
