package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"

	"sdwhy/enrich"
	"sdwhy/riemann"
)

// A taker is a Riemann server that takes everything.
type taker struct {
	address string
	mu      sync.Mutex
	units   map[string]bool
	silent  bool // takes nothing any more, and answers nothing
}

func startTaker(t *testing.T) *taker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &taker{address: "tcp://" + l.Addr().String(), units: map[string]bool{}}
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			go s.serve(conn)
		}
	}()
	return s
}

// serve answers each message, a length before it, with ok.
func (s *taker) serve(conn net.Conn) {
	defer conn.Close()
	ok, _ := pb.Marshal(&proto.Msg{Ok: pb.Bool(true)})
	for {
		var length uint32
		if binary.Read(conn, binary.BigEndian, &length) != nil {
			return
		}
		body, msg := make([]byte, length), &proto.Msg{}
		if _, err := io.ReadFull(conn, body); err != nil || pb.Unmarshal(body, msg) != nil {
			return
		}
		if !s.take(msg.Events) {
			return
		}
		conn.Write(binary.BigEndian.AppendUint32(nil, uint32(len(ok))))
		conn.Write(ok)
	}
}

func (s *taker) take(events []*proto.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.units[e.GetService()] = !s.silent || s.units[e.GetService()]
	}
	return !s.silent
}

func (s *taker) took() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]bool{}
	for u, taken := range s.units {
		if taken {
			all[u] = true
		}
	}
	return all
}

func (s *taker) fall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = true
}

// TestReplace changes the server while events come, as a reload does, because the old one
// is broken: each event arrives at the one or the other.
func TestReplace(t *testing.T) {
	old, next := startTaker(t), startTaker(t)
	outbox, err := riemann.OpenOutbox(filepath.Join(t.TempDir(), "outbox"), riemann.OutboxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer outbox.Close()
	c := newConfig()
	c.Riemann = []string{old.address}
	d, err := newDelivery(c, outbox, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.run(ctx) }()
	const events = 600
	for i := range events {
		if i == events/4 {
			old.fall()
		}
		if i == events/2 {
			c.Riemann = []string{next.address}
			s, err := d.newSender(c)
			if err != nil {
				t.Fatal(err)
			}
			go d.replace(ctx, s)
		}
		unit := fmt.Sprintf("job@%d.service", i)
		d.offer("", []enrich.Event{{ID: "boot/system/job/" + unit, Time: enrich.Stamp(time.Now().UnixMicro()), Unit: unit}})
		time.Sleep(time.Millisecond)
	}
	all := func() int {
		both := old.took()
		for u := range next.took() {
			both[u] = true
		}
		return len(both)
	}
	for deadline := time.Now().Add(30 * time.Second); all() < events && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := all(); n != events || len(old.took()) == 0 || len(next.took()) == 0 {
		t.Errorf("of %d events %d arrived, %d at the old server, %d at the new one", events, n, len(old.took()), len(next.took()))
	}
}
