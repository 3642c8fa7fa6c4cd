// Command sdwhy says why systemd's units start, stop, restart, reload or die,
// and how it ended: live on a terminal, as JSON, or as events to Riemann.
package main
