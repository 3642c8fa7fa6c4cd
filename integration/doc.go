// Package integration boots real systemd in containers, plays scenarios on it,
// compares what sdwhy says with what it should say, and records fixtures.
package integration
