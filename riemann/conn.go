package riemann

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"
)

const (
	// maxResponse bounds what a server may make us read: an ack is two bytes, an error a sentence.
	maxResponse = 1 << 20
	// maxDatagram is where Riemann's UDP server cuts (riemann-go-client's MaxUDPSize).
	maxDatagram = 16384
	maxMessage  = 256 << 10
)

// A client is one connection to one server. After any error it is of no more use.
type client interface {
	// send delivers one message and, where the protocol has one, waits for its answer.
	send(msg []byte) error
	// limit is the size in bytes that a message must keep.
	limit() int
	// acks says whether a nil from send means that the server has answered.
	acks() bool
	Close() error
}

// Refused is a server's answer that it has not processed a message.
type Refused struct{ Reason string }

func (e *Refused) Error() string { return "server refused the message: " + e.Reason }

// errTooLarge is a message that the transport would cut.
var errTooLarge = errors.New("too large")

// A stream is a client over TCP or TLS. One message is under way at a time and any
// error ends the connection, so an answer that comes late finds nobody to mistake it.
type stream struct {
	conn    net.Conn
	read    *bufio.Reader
	timeout time.Duration
}

func newStream(conn net.Conn, timeout time.Duration) *stream {
	return &stream{conn: conn, read: bufio.NewReaderSize(conn, 512), timeout: timeout}
}

func (s *stream) limit() int   { return maxMessage }
func (s *stream) acks() bool   { return true }
func (s *stream) Close() error { return s.conn.Close() }

func (s *stream) send(msg []byte) error {
	if s.read.Buffered() > 0 {
		return errors.New("server answered what it was not asked")
	}
	// A frame is its length and the message: one buffer, one write.
	frame := make([]byte, 4, 4+len(msg))
	binary.BigEndian.PutUint32(frame, uint32(len(msg)))
	if err := s.conn.SetDeadline(time.Now().Add(s.timeout)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	if _, err := s.conn.Write(append(frame, msg...)); err != nil {
		return fmt.Errorf("send: %w", explain(err))
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(s.timeout)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	return s.answer()
}

// answer reads the server's word on the message that was just sent.
func (s *stream) answer() error {
	var head [4]byte
	if _, err := io.ReadFull(s.read, head[:]); err != nil {
		return fmt.Errorf("no answer: %w", explain(err))
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxResponse {
		return fmt.Errorf("answer of %d bytes announced, more than %d: this is no Riemann server, or it expects TLS (tls://)", n, maxResponse)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(s.read, body); err != nil {
		return fmt.Errorf("answer cut short: %w", explain(err))
	}
	var msg proto.Msg
	if err := pb.Unmarshal(body, &msg); err != nil {
		return fmt.Errorf("answer cannot be decoded: %w", err)
	}
	if !msg.GetOk() {
		return &Refused{Reason: clean(msg.GetError(), 512)}
	}
	return nil
}

// A datagram is a client over UDP: nobody answers, so what is lost is lost.
type datagram struct {
	conn    net.Conn
	timeout time.Duration
}

func (d *datagram) limit() int   { return maxDatagram }
func (d *datagram) acks() bool   { return false }
func (d *datagram) Close() error { return d.conn.Close() }

func (d *datagram) send(msg []byte) error {
	if len(msg) > maxDatagram {
		return fmt.Errorf("%w: a datagram of %d bytes would be cut at %d; use tcp:// or tls://", errTooLarge, len(msg), maxDatagram)
	}
	if err := d.conn.SetWriteDeadline(time.Now().Add(d.timeout)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	if _, err := d.conn.Write(msg); err != nil {
		return fmt.Errorf("send: %w", explain(err))
	}
	return nil
}

// dial connects to t, the TLS handshake included, within the options' DialTimeout.
func dial(ctx context.Context, t Target, o Options) (client, error) {
	ctx, cancel := context.WithTimeout(ctx, o.DialTimeout)
	defer cancel()
	network := t.Scheme
	if network == SchemeTLS {
		network = "tcp"
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, t.Address())
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", t, explain(err))
	}
	switch t.Scheme {
	case SchemeUDP:
		return &datagram{conn, o.AckTimeout}, nil
	case SchemeTLS:
		if conn, err = handshake(ctx, conn, t, o.TLS); err != nil {
			return nil, fmt.Errorf("connect to %s: %w", t, err)
		}
	}
	return newStream(conn, o.AckTimeout), nil
}

// handshake puts TLS on conn, or closes it.
func handshake(ctx context.Context, conn net.Conn, t Target, f TLS) (net.Conn, error) {
	config, err := f.config(t.Host)
	if err != nil {
		conn.Close()
		return nil, err
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS handshake: %w", explain(err))
	}
	return secure, nil
}
