// Package enrich decides causes: observations in, events out.
//
// It owns the shared vocabulary (Observation, Entry, Config, Cause, Event) and
// the Correlator, a state machine without IO, clock, logger or goroutine: the
// same observations always give the same events, so every bug report is a
// recording and every fixture is one made on a real systemd.
package enrich
