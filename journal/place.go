package journal

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// A place is how far the journal has been read: everything up to Cursor, and
// nothing that matched after it before Seen (µs since the epoch).
type place struct {
	Cursor string `json:",omitempty"`
	Seen   int64  `json:",omitempty"`
}

// realtime is the place's time, µs since the epoch; 0 when it has none.
func (p place) realtime() int64 {
	return max(p.Seen, parseCursor(p.Cursor).realtime)
}

// A cursor's parts that are of use here.
type cursor struct {
	file, boot          string
	sequence            int64 // of the entries of one journald, which file stands for
	monotonic, realtime int64 // µs
}

// compare orders entries by their cursors, as sd_journal does.
func (c cursor) compare(other cursor) int {
	switch {
	case c.file == other.file:
		return cmp.Compare(c.sequence, other.sequence)
	case c.boot == other.boot:
		return cmp.Compare(c.monotonic, other.monotonic)
	}
	return cmp.Compare(c.realtime, other.realtime)
}

// parseCursor reads "s=FILE;i=HEX;b=BOOT;m=HEX;t=HEX;x=…" (systemd's sd-journal.c,
// sd_journal_get_cursor); what is not there stays zero.
func parseCursor(s string) cursor {
	var c cursor
	for part := range strings.SplitSeq(s, ";") {
		key, value, _ := strings.Cut(part, "=")
		n, _ := strconv.ParseInt(value, 16, 64)
		switch key {
		case "s":
			c.file = value
		case "i":
			c.sequence = n
		case "b":
			c.boot = value
		case "m":
			c.monotonic = n
		case "t":
			c.realtime = n
		}
	}
	return c
}

// CursorTime is when the cursor's entry was received; zero when it does not say.
func CursorTime(s string) time.Time {
	if at := parseCursor(s).realtime; at > 0 {
		return time.UnixMicro(at)
	}
	return time.Time{}
}
