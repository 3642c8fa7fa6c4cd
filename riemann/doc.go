// Package riemann delivers events to Riemann servers at least once.
//
// Convert turns an enrich.Event into a Riemann event, an Outbox keeps it until a
// server has acknowledged it, and a Sender carries it there: over TCP or TLS,
// where each batch is answered before the next one leaves, or over UDP, which is
// lossy. Messages are those of riemann-go-client's proto package; the connection
// is our own, because that library's client takes the late answer to one request
// for the answer to the next, has no deadline on a TLS handshake and no bound on a response.
package riemann
