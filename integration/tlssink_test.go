package integration

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riemann/riemann-go-client/proto"
	"golang.org/x/sys/unix"
	pb "google.golang.org/protobuf/proto"
)

// An authority has signed a server's and a client's certificate.
type authority struct {
	server *tls.Config
	client map[string][]byte // ca.pem, cert.pem and key.pem
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	ca, caKey := newCertificate(t, nil, nil, 1)
	server, serverKey := newCertificate(t, ca, caKey, 2)
	client, clientKey := newCertificate(t, ca, caKey, 3)
	der, err := x509.MarshalECPrivateKey(clientKey)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return &authority{
		server: &tls.Config{
			Certificates: []tls.Certificate{{Certificate: [][]byte{server.Raw}, PrivateKey: serverKey}},
			ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool,
		},
		client: map[string][]byte{
			"ca.pem": encode("CERTIFICATE", ca.Raw), "cert.pem": encode("CERTIFICATE", client.Raw), "key.pem": encode("EC PRIVATE KEY", der),
		},
	}
}

// newCertificate is signed by ca, or by itself where that is nil.
func newCertificate(t *testing.T, ca *x509.Certificate, caKey *ecdsa.PrivateKey, serial int64) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: fmt.Sprint("sdwhy test ", serial)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true,
	}
	if ca == nil {
		ca, caKey, c.IsCA, c.KeyUsage = c, key, true, x509.KeyUsageCertSign
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

// A tlsSink is a Riemann server that keeps what it acknowledges. It runs in this
// process and listens in a container.
type tlsSink struct {
	mu     sync.Mutex
	events map[string][]map[string]string // attributes, by service
	came   chan struct{}                  // closed and made anew at each message
}

// listenIn starts a sink on an address inside a container.
func listenIn(t *testing.T, c *Container, address string, keys *authority) *tlsSink {
	t.Helper()
	var l net.Listener
	failed := make(chan error)
	go func() {
		// The thread, which has changed its network, dies with the goroutine.
		runtime.LockOSThread()
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", c.init))
		if err == nil {
			defer ns.Close()
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			l, err = net.Listen("tcp", address)
		}
		failed <- err
	}()
	if err := <-failed; err != nil {
		t.Fatalf("failed to listen in %s: %v", c.Name, err)
	}
	s := &tlsSink{events: map[string][]map[string]string{}, came: make(chan struct{})}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(tls.Server(conn, keys.server))
		}
	}()
	return s
}

// serve takes messages and acknowledges each, until one is broken.
func (s *tlsSink) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size uint32
		if binary.Read(conn, binary.BigEndian, &size) != nil || size > 16<<20 {
			return
		}
		body, msg := make([]byte, size), &proto.Msg{}
		if _, err := io.ReadFull(conn, body); err != nil || pb.Unmarshal(body, msg) != nil {
			return
		}
		s.keep(msg.Events)
		ack, err := pb.Marshal(&proto.Msg{Ok: pb.Bool(true)})
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(ack))), ack...)); err != nil {
			return
		}
	}
}

func (s *tlsSink) keep(events []*proto.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		attributes := map[string]string{}
		for _, a := range e.Attributes {
			attributes[a.GetKey()] = a.GetValue()
		}
		s.events[e.GetService()] = append(s.events[e.GetService()], attributes)
	}
	close(s.came)
	s.came = make(chan struct{})
}

// await waits for an event of a service and gives its attributes.
func (s *tlsSink) await(t *testing.T, service string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		s.mu.Lock()
		events, came := s.events[service], s.came
		s.mu.Unlock()
		if len(events) > 0 {
			return events[0]
		}
		select {
		case <-came:
		case <-ctx.Done():
			t.Errorf("no event of %s arrived", service)
			return nil
		}
	}
}

// told are the events of a service whose id holds kind, by id: delivery is at least once.
func (s *tlsSink) told(service, kind string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := map[string]string{}
	for _, e := range s.events[service] {
		if !strings.Contains(e["event_id"], kind) {
			continue
		}
		told[e["event_id"]] += e["action"] + " " + e["cause"] + "; " + e["evidence"] + "; " + e["missing"] + "\n"
	}
	return told
}
