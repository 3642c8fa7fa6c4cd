package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"sdwhy/enrich"
	"sdwhy/riemann"
)

// A delivery carries events to Riemann, and after a reload to other servers, with the
// same outbox. The nil delivery carries nothing.
type delivery struct {
	outbox *riemann.Outbox
	log    *slog.Logger
	beat   string // the heartbeat's service
	sender atomic.Pointer[riemann.Sender]
	next   chan *riemann.Sender
}

// newDelivery gives nil where no server is set.
func newDelivery(c *Config, outbox *riemann.Outbox, log *slog.Logger) (*delivery, error) {
	if len(c.Riemann) == 0 {
		return nil, nil
	}
	d := &delivery{outbox: outbox, log: log, beat: c.heartbeatService(), next: make(chan *riemann.Sender)}
	s, err := d.newSender(c)
	if err != nil {
		return nil, err
	}
	d.sender.Store(s)
	return d, nil
}

func (d *delivery) newSender(c *Config) (*riemann.Sender, error) {
	o, err := c.sending()
	if err != nil {
		return nil, err
	}
	o.Outbox, o.Log = d.outbox, d.log
	return riemann.New(o)
}

// offer hands events over, and the cursor up to which the journal is done with.
func (d *delivery) offer(cursor string, events []enrich.Event) {
	d.sender.Load().OfferAt(cursor, events...)
}

// run delivers until ctx ends and what can be delivered is.
func (d *delivery) run(ctx context.Context) error {
	for next := d.sender.Load(); next != nil; {
		sending, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func(s *riemann.Sender) { done <- s.Run(sending) }(next)
		select {
		case next = <-d.next:
		case <-ctx.Done():
			next = nil
		}
		stop()
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}

// replace sends by other settings from now on. Events offered meanwhile wait in
// the outbox until the old sender has ended.
func (d *delivery) replace(ctx context.Context, s *riemann.Sender) {
	d.sender.Store(s)
	select {
	case d.next <- s:
	case <-ctx.Done():
	}
}

// The heartbeat's rhythm: its ttl spans three.
const (
	heartbeatEvery = 20 * time.Second
	heartbeatTTL   = 60 * time.Second
)

func (d *delivery) heartbeat(c counters) {
	d.sender.Load().Heartbeat(riemann.Heartbeat{
		Time:        time.Now(),
		Service:     d.beat,
		State:       c.severity(),
		Description: c.String(),
		TTL:         heartbeatTTL,
		Counters:    c.values(),
	})
}

// sending are the settings for riemann.
func (c *Config) sending() (riemann.Options, error) {
	o := riemann.Options{
		TLS:     riemann.TLS{CA: c.TLSCACert, Cert: c.TLSCert, Key: c.TLSKey, ServerName: c.TLSServerName},
		Mapping: riemann.Mapping{Prefix: c.Prefix, TTL: time.Duration(c.TTL), Tags: c.Tag, Attributes: c.Attribute},
	}
	if err := c.checkTLS(); err != nil {
		return o, err
	}
	for _, address := range c.Riemann {
		t, err := riemann.ParseTarget(address)
		if err != nil {
			what, mend, _ := strings.Cut(err.Error(), "; ")
			return o, usagef(mend, "%s", what)
		}
		o.Targets = append(o.Targets, t)
	}
	encrypted := slices.ContainsFunc(o.Targets, func(t riemann.Target) bool { return t.Scheme == riemann.SchemeTLS })
	if o.TLS != (riemann.TLS{}) && len(o.Targets) > 0 && !encrypted {
		return o, usagef("write --riemann tls://HOST:5554", "certificates are given, but %s is not encrypted", o.Targets[0])
	}
	return o, nil
}

// checkTLS finds files that cannot be used before they are needed; riemann reads them
// anew at each connect.
func (c *Config) checkTLS() error {
	if c.TLSCACert != "" {
		pem, err := os.ReadFile(c.TLSCACert)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(pem) {
			err = fmt.Errorf("%s holds no PEM certificate", c.TLSCACert)
		}
		if err != nil {
			return usagef("name a PEM file that sdwhy's user may read", "cannot use --tls-ca-cert: %v", err)
		}
	}
	if c.TLSKey == "" {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey); err != nil {
		hint := "the key must be that of the certificate, both as PEM"
		if errors.As(err, new(*fs.PathError)) {
			hint = "name PEM files that sdwhy's user may read; LoadCredential= of a unit passes them"
		}
		return usagef(hint, "cannot use --tls-cert with --tls-key: %v", err)
	}
	info, err := os.Stat(c.TLSKey)
	if err == nil && info.Mode().Perm()&0o004 != 0 {
		return usagef("chmod o= "+c.TLSKey, "the key %s is readable by everybody", c.TLSKey)
	}
	return err
}
