package main

import (
	"fmt"
	"io"
	"time"
)

// A progress is a line on a terminal that says how far a long scan has come. The
// nil progress says nothing.
type progress struct {
	w       io.Writer
	began   time.Time
	next    time.Time
	entries int
}

// progress is for stderr, where that is a terminal.
func (a *app) progress() *progress {
	if !isTerminal(a.stderr) || a.env("TERM") == "dumb" {
		return nil
	}
	now := time.Now()
	return &progress{w: a.stderr, began: now, next: now.Add(time.Second)}
}

// read counts an entry and, from the first second on, shows where the scan is.
func (p *progress) read(at int64) {
	if p == nil {
		return
	}
	if p.entries++; p.entries%256 != 0 || time.Now().Before(p.next) {
		return
	}
	p.next = time.Now().Add(100 * time.Millisecond)
	fmt.Fprintf(p.w, "\r\x1b[K%d entries read, at %s", p.entries, when(at))
}

// done clears the line.
func (p *progress) done() {
	if p != nil && p.next.After(p.began.Add(time.Second)) {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
