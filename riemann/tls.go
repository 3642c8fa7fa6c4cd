package riemann

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// TLS names the files of a tls:// target, all PEM. They are read at each connect,
// so a renewed certificate needs no restart.
type TLS struct {
	CA         string // who may sign the server's certificate; empty: the system's pool
	Cert, Key  string // the client's certificate; empty: none
	ServerName string // the name that the server's certificate must bear; empty: the target's host
}

func (f TLS) config(host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: f.ServerName, MinVersion: tls.VersionTLS12}
	if c.ServerName == "" {
		c.ServerName = host
	}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fmt.Errorf("read CA certificate: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s holds no PEM certificate", f.CA)
		}
	}
	switch {
	case f.Cert == "" && f.Key == "":
		return c, nil
	case f.Cert == "" || f.Key == "":
		return nil, errors.New("a client certificate and its key go together: give both or neither")
	}
	cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("load client certificate: %w", err)
	}
	c.Certificates = []tls.Certificate{cert}
	return c, nil
}

// explain puts into words what to mend, where the error alone does not say it.
func explain(err error) error {
	hint := certificateHint(err)
	var remote *net.OpError
	switch {
	case hint != "":
	case errors.As(err, &remote) && remote.Op == "remote error":
		hint = alertHint(remote.Err.Error())
	case errors.Is(err, io.EOF):
		hint = "the server closed the connection"
	case errors.Is(err, syscall.ECONNREFUSED):
		hint = "nothing listens there"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		hint = "the server did not react in time"
	}
	if hint == "" {
		return err
	}
	return fmt.Errorf("%s: %w", hint, err)
}

// certificateHint says what is wrong with the server's certificate.
func certificateHint(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &unknown):
		return "the server's certificate is signed by an unknown CA (--tls-ca-cert names the right one)"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired or is not valid yet"
	case errors.As(err, &invalid):
		return "the server's certificate is not acceptable"
	case errors.As(err, &name):
		return "the server's certificate is for another name"
	case errors.As(err, &record):
		return "the server does not speak TLS on this port (use tcp://, or Riemann's TLS port 5554)"
	}
	return ""
}

// alertHint says what a server's TLS alert means for us. A server that wants a
// client certificate says so only after our side of a TLS 1.3 handshake is done.
func alertHint(alert string) string {
	switch {
	case strings.Contains(alert, "certificate required"):
		return "the server requires a client certificate of a CA that it knows (--tls-cert, --tls-key)"
	case strings.Contains(alert, "unknown certificate authority"):
		return "the server does not know the CA of our client certificate"
	case strings.Contains(alert, "expired certificate"):
		return "our client certificate has expired"
	case strings.Contains(alert, "bad certificate"), strings.Contains(alert, "handshake failure"):
		return "the server requires a client certificate that it can accept (--tls-cert, --tls-key)"
	}
	return "the server refused the TLS connection"
}
