// Package watcher turns systemd's D-Bus signals, and the process that asked, into
// observations.
package watcher
