package riemann

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"
)

// A server answers Riemann messages as its test says, in this process.
type server struct {
	Target Target
	// answer serves one message of a connection; false ends the connection. nil accepts.
	answer func(conn net.Conn, m *proto.Msg) bool

	mu    sync.Mutex
	ids   []string // event ids accepted, in order
	beats int
	conns int
}

// ack writes an answer.
func ack(conn net.Conn, ok bool, reason string) bool {
	body, err := pb.Marshal(&proto.Msg{Ok: &ok, Error: text(reason)})
	if err != nil {
		return false
	}
	_, err = conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	return err == nil
}

// serve starts s; config nil is plain TCP.
func serve(t testing.TB, s *server, config *tls.Config) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	s.Target = Target{SchemeTCP, "127.0.0.1", port}
	if config != nil {
		l = tls.NewListener(l, config)
		s.Target = Target{SchemeTLS, "127.0.0.1", port}
	}
	s.accept(t, l)
	return s
}

func (s *server) accept(t testing.TB, l net.Listener) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			wg.Go(func() { defer conn.Close(); s.talk(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
}

func (s *server) talk(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		var head [4]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		var m proto.Msg
		if pb.Unmarshal(body, &m) != nil {
			return
		}
		if s.answer == nil {
			s.take(&m)
			ack(conn, true, "")
		} else if !s.answer(conn, &m) {
			return
		}
	}
}

// take notes the events of an accepted message.
func (s *server) take(m *proto.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ev := range m.Events {
		id := idIn(ev)
		if id == "" {
			s.beats++
			continue
		}
		s.ids = append(s.ids, id)
	}
}

// got are the ids that were accepted, and how many connections it took.
func (s *server) got() (ids []string, conns int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.ids...), s.conns
}

func idIn(ev *proto.Event) string {
	for _, a := range ev.Attributes {
		if a.GetKey() == "event_id" {
			return a.GetValue()
		}
	}
	return ""
}
