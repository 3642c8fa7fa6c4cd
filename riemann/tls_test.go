package riemann

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/riemann/riemann-go-client/proto"
)

// A pair is a certificate and its key, in memory and as files.
type pair struct {
	cert     *x509.Certificate
	key      *ecdsa.PrivateKey
	tls      tls.Certificate
	certFile string
	keyFile  string
}

// issue makes a certificate, signed by ca or, with a nil ca, by itself.
func issue(t testing.TB, name string, ca *pair, until time.Time) *pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames: []string{name},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses, template.DNSNames = []net.IP{ip}, nil
	}
	parent, signer := template, key
	if ca == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	} else {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return pairOf(t, der, key)
}

func pairOf(t testing.TB, der []byte, key *ecdsa.PrivateKey) *pair {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &pair{
		cert: cert, key: key, tls: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		certFile: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem"),
	}
	for file, block := range map[string]*pem.Block{
		p.certFile: {Type: "CERTIFICATE", Bytes: der}, p.keyFile: {Type: "EC PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// TestTLS wants each refusal to say which it is.
func TestTLS(t *testing.T) {
	later, before := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	ca, stranger := issue(t, "our CA", nil, later), issue(t, "another CA", nil, later)
	good, expired := issue(t, "127.0.0.1", ca, later), issue(t, "127.0.0.1", ca, before)
	named := issue(t, "riemann.example", ca, later)
	client, foreign, old := issue(t, "client", ca, later), issue(t, "client", stranger, later), issue(t, "client", ca, before)
	ours := TLS{CA: ca.certFile}
	with := func(p *pair) TLS { return TLS{CA: ca.certFile, Cert: p.certFile, Key: p.keyFile} }
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		server  *pair
		clients bool // the server wants a client certificate
		tls     TLS
		want    string // a pattern of the error; empty: it works
	}{
		{"well", good, false, ours, ""},
		{"well, with a client certificate", good, true, with(client), ""},
		{"well, by another name", named, false, TLS{CA: ca.certFile, ServerName: "riemann.example"}, ""},
		{"wrong CA", good, false, TLS{CA: stranger.certFile}, "signed by an unknown CA"},
		{"system's CAs", good, false, TLS{}, "signed by an unknown CA"},
		{"expired", expired, false, ours, "has expired"},
		{"wrong name", named, false, ours, "for another name"},
		{"no client certificate", good, true, ours, "requires a client certificate of a CA that it knows|requires a client certificate that it can accept"},
		{"client certificate of another CA", good, true, with(foreign), "requires a client certificate of a CA that it knows|requires a client certificate that it can accept"},
		{"client certificate expired", good, true, with(old), "our client certificate has expired"},
		{"server without TLS", nil, false, ours, "does not speak TLS"},
		{"CA file missing", good, false, TLS{CA: "/nowhere"}, "read CA certificate"},
		{"CA file is junk", good, false, TLS{CA: junk}, "holds no PEM certificate"},
		{"key missing", good, false, TLS{CA: ca.certFile, Cert: client.certFile}, "go together"},
		{"key of another", good, false, TLS{CA: ca.certFile, Cert: client.certFile, Key: ca.keyFile}, "load client certificate"},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tt.name+" "+tls.VersionName(version), func(t *testing.T) {
				sv := &server{}
				if tt.server == nil {
					serveGreeting(t, sv)
				} else {
					config := &tls.Config{Certificates: []tls.Certificate{tt.server.tls}, MaxVersion: version}
					if tt.clients {
						config.ClientAuth = tls.RequireAndVerifyClientCert
						config.ClientCAs = x509.NewCertPool()
						config.ClientCAs.AddCert(ca.cert)
					}
					serve(t, sv, config)
				}
				o := quick(sv.Target)
				o.TLS = tt.tls
				err := Check(t.Context(), o)
				if (err == nil) != (tt.want == "") || err != nil && !regexp.MustCompile(tt.want).MatchString(err.Error()) {
					t.Errorf("want %q, got %v", tt.want, err)
				}
			})
		}
	}
}

// serveGreeting is a server that greets in plain text, as no TLS server does.
func serveGreeting(t testing.TB, s *server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.Target = Target{SchemeTLS, "127.0.0.1", l.Addr().(*net.TCPAddr).Port}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte("220 smtp.example ESMTP\r\n"))
			conn.Close()
		}
	}()
}

// TestTLSHandshakeDeadline has a server that accepts and then says nothing at all.
func TestTLSHandshakeDeadline(t *testing.T) {
	sv := serve(t, &server{}, nil) // waits for a frame
	o := quick(Target{SchemeTLS, "127.0.0.1", sv.Target.Port})
	o.DialTimeout = 50 * time.Millisecond
	if err := Check(t.Context(), o); err == nil || !strings.Contains(err.Error(), "did not react in time") {
		t.Errorf("got %v", err)
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(net.Conn) bool
		want   string
	}{
		"silent":  {func(net.Conn) bool { return true }, "did not react in time"},
		"refuses": {func(c net.Conn) bool { return ack(c, false, "no") }, "server refused the message: no"},
		"closes":  {func(net.Conn) bool { return false }, "closed the connection"},
		"TLS":     {func(c net.Conn) bool { c.Write([]byte("\x15\x03\x01\x00\x02\x02\x46")); return false }, "expects TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			sv := serve(t, &server{answer: func(c net.Conn, _ *proto.Msg) bool { return tt.answer(c) }}, nil)
			if err := Check(t.Context(), quick(sv.Target)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q, got %v", tt.want, err)
			}
		})
	}
	if err := Check(t.Context(), quick(Target{SchemeTCP, "127.0.0.1", 1})); err == nil || !strings.Contains(err.Error(), "nothing listens there") {
		t.Errorf("closed port: %v", err)
	}
}
