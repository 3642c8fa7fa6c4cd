package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sanitize makes an untrusted string safe for a terminal: what is not printable
// (control characters, invalid UTF-8, characters that turn the direction of
// writing) is shown escaped, so that no unit, log line or command line can move
// the cursor, change colours or forge a line.
func sanitize(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case !unprintable(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[size:]
	}
	return b.String()
}

// unprintable reports whether r could do more on a terminal than show a glyph.
func unprintable(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }
