package riemann

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Schemes of targets.
const (
	SchemeTCP = "tcp"
	SchemeTLS = "tls"
	SchemeUDP = "udp"
)

// Riemann's own default ports.
const (
	defaultPort    = 5555
	defaultPortTLS = 5554
)

// A Target is a Riemann server's address.
type Target struct {
	Scheme string // tcp, tls, udp
	Host   string // a name or an address, IPv6 without brackets
	Port   int
}

// ParseTarget reads tcp://HOST[:PORT], tls://HOST[:PORT] or udp://HOST[:PORT]; HOST[:PORT]
// alone means tcp. The port defaults to 5555, for TLS to 5554.
func ParseTarget(s string) (Target, error) {
	fail := func(why string) (Target, error) {
		return Target{}, fmt.Errorf("riemann address %q: %s; write tcp://HOST:5555, tls://HOST:5554 or udp://HOST:5555", s, why)
	}
	u, err := parseURL(s)
	if err != nil {
		return fail("not an address")
	}
	t := Target{Scheme: u.Scheme, Host: u.Hostname(), Port: defaultPort}
	switch t.Scheme {
	case SchemeTCP, SchemeUDP:
	case SchemeTLS:
		t.Port = defaultPortTLS
	default:
		return fail(fmt.Sprintf("unknown scheme %q", u.Scheme))
	}
	switch {
	case t.Host == "":
		return fail("the host is missing")
	case u.User != nil:
		return fail("Riemann knows no user or password; TLS client certificates stand in their place")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return fail("nothing may follow the port")
	}
	if p := u.Port(); p != "" {
		if t.Port, err = strconv.Atoi(p); err != nil || t.Port < 1 || t.Port > 65535 {
			return fail(fmt.Sprintf("port %s is not between 1 and 65535", p))
		}
	}
	return t, nil
}

// parseURL takes HOST:PORT for tcp://HOST:PORT.
func parseURL(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = SchemeTCP + "://" + s
	}
	return url.Parse(s)
}

// Address is HOST:PORT, as net.Dial wants it.
func (t Target) Address() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// String is the target as ParseTarget reads it.
func (t Target) String() string { return t.Scheme + "://" + t.Address() }
