package journal

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxString  = 512     // bytes of a field in an Entry
	maxMessage = 4096    // bytes of a MESSAGE that are looked at; sudo cuts its own at 980
	maxVerdict = 1 << 16 // bytes of SDWHY_EVENT, the one field that must come whole

	recordHead = 16 // bytes before a record's items: its two times
	itemHead   = 4  // bytes before an item's value: its field and length
)

// A record is one journal entry as journald stored it, not yet trusted. Of a field
// that an entry has more than once it has the last value, as journald orders them.
type record struct {
	realtime  int64 // __REALTIME_TIMESTAMP, µs
	monotonic int64 // __MONOTONIC_TIMESTAMP, µs
	fields    [fieldCount]string
}

var errRecord = fmt.Errorf("%w: an entry", errFrame)

// parse reads what the pass wrote (pass.c). All fields share one allocation.
func (r *record) parse(b []byte) error {
	if len(b) < recordHead {
		return errRecord
	}
	*r = record{realtime: int64(binary.NativeEndian.Uint64(b)), monotonic: int64(binary.NativeEndian.Uint64(b[8:]))}
	text := string(b[recordHead:])
	for at := 0; at < len(text); {
		f, n := itemAt(b[recordHead+at:])
		if at += itemHead; f >= fieldCount || n > len(text)-at {
			return errRecord
		}
		r.fields[f] = text[at : at+n]
		at += n
	}
	return nil
}

// itemAt reads an item's head; no field where it is cut.
func itemAt(b []byte) (field, int) {
	if len(b) < itemHead {
		return fieldCount, 0
	}
	head := binary.NativeEndian.Uint32(b)
	return field(head >> 24), int(head & 0xffffff)
}

// rawTime and rawCursor are a record's without parsing the rest.
func rawTime(b []byte) int64 { return int64(binary.NativeEndian.Uint64(b)) }
func rawCursor(b []byte) []byte {
	_, n := itemAt(b[recordHead:])
	return b[recordHead+itemHead:][:n]
}

// text gives a field bounded to maxString and in valid UTF-8, so that it
// survives a recording (JSON) unchanged.
func (r *record) text(f field) string { return clip(r.fields[f], maxString) }

// number gives a field as a number from min to max, else 0.
func (r *record) number(f field, min, max int64) int64 {
	if r.fields[f] == "" {
		return 0
	}
	n, err := strconv.ParseInt(r.fields[f], 10, 64)
	if err != nil || n < min || n > max {
		return 0
	}
	return n
}

// id128 gives a field that must be 32 hex digits, else "".
func (r *record) id128(f field) string {
	s, upper := r.fields[f], false
	if len(s) != 32 {
		return ""
	}
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
		case 'A' <= c && c <= 'F':
			upper = true
		default:
			return ""
		}
	}
	if upper {
		return strings.ToLower(s)
	}
	return s
}

// time is when the sender's datagram was stamped by the kernel; where journald
// has no such stamp, when journald wrote the entry.
func (r *record) time() int64 {
	if t := r.number(fSourceTime, 1, 1<<62); t != 0 {
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
func clipped(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "?")
}
