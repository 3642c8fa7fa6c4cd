package journal

import (
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
	boot                string
	monotonic, realtime int64 // µs
}

// parseCursor reads "s=…;i=…;b=BOOT;m=HEX;t=HEX;x=…" (systemd's sd-journal.c,
// sd_journal_get_cursor); what is not there stays zero.
func parseCursor(s string) cursor {
	var c cursor
	for part := range strings.SplitSeq(s, ";") {
		key, value, _ := strings.Cut(part, "=")
		n, _ := strconv.ParseInt(value, 16, 64)
		switch key {
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
