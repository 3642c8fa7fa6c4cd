package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
)

// A logHandler writes messages for people: "sdwhy: message (key: value, …)". There is
// no time: a terminal shows now and the journal stamps by itself. For the journal
// each line has its priority in front (man sd-daemon).
type logHandler struct {
	mu      *sync.Mutex
	w       io.Writer
	journal bool
	level   slog.Level
	attrs   []slog.Attr
}

// newLogger logs to w. It writes for the journal when stderr is connected to it (man
// systemd.exec, JOURNAL_STREAM).
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(&logHandler{mu: new(sync.Mutex), w: w, journal: os.Getenv("JOURNAL_STREAM") != "", level: level})
}

func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if h.journal {
		fmt.Fprintf(&b, "<%d>", priority(r.Level))
	} else {
		b.WriteString("sdwhy: ")
	}
	b.WriteString(sanitize(oneLine(r.Message)))
	attrs := append([]slog.Attr(nil), h.attrs...)
	r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a); return true })
	separator := " ("
	for _, a := range attrs {
		b.WriteString(separator + a.Key + ": " + sanitize(oneLine(a.Value.String())))
		separator = ", "
	}
	if len(attrs) > 0 {
		b.WriteByte(')')
	}
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, b.String())
	return err
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(append([]slog.Attr(nil), h.attrs...), attrs...)
	return &c
}

// WithGroup changes nothing: messages here are flat.
func (h *logHandler) WithGroup(string) slog.Handler { return h }

// priority is the syslog level of a slog level.
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	default:
		return 7
	}
}
