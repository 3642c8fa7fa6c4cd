package journal

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxString  = 512     // bytes of a field in an Entry
	maxVerdict = 1 << 16 // bytes of SDWHY_EVENT, the one field that must come whole
)

// A record is one journal entry as journald stored it, not yet trusted.
type record struct {
	cursor    string
	realtime  int64 // __REALTIME_TIMESTAMP, µs
	monotonic int64 // __MONOTONIC_TIMESTAMP, µs
	fields    map[string]string
}

// text gives a field bounded to maxString and in valid UTF-8, so that it
// survives a recording (JSON) unchanged.
func (r record) text(field string) string { return clip(r.fields[field], maxString) }

// number gives a field as a number from min to max, else 0.
func (r record) number(field string, min, max int64) int64 {
	n, err := strconv.ParseInt(r.fields[field], 10, 64)
	if err != nil || n < min || n > max {
		return 0
	}
	return n
}

// id128 gives a field that must be 32 hex digits, else "".
func (r record) id128(field string) string {
	s := strings.ToLower(r.fields[field])
	if len(s) != 32 || strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return strings.Clone(s)
}

// time is when the sender's datagram was stamped by the kernel; where journald
// has no such stamp, when journald wrote the entry.
func (r record) time() int64 {
	if t := r.number("_SOURCE_REALTIME_TIMESTAMP", 1, 1<<62); t != 0 {
		return t
	}
	return r.realtime
}

// clip cuts s to at most max bytes on a rune boundary.
func clip(s string, max int) string {
	if len(s) > max {
		for max > 0 && !utf8.RuneStart(s[max]) {
			max--
		}
		s = s[:max]
	}
	return clipped(s)
}

// clipped replaces what is not UTF-8 without growing the text.
func clipped(s string) string { return strings.ToValidUTF8(s, "?") }
