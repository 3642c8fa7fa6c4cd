package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"sdwhy/enrich"
)

// An sgr is a terminal's "select graphic rendition" parameter, such as "1;31";
// empty is plain.
type sgr string

func (s sgr) paint(text string) string {
	if s == "" || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// A palette colours one line.
type palette struct{ mark, unit, cause, end, plain, faint sgr }

// A theme has a palette for each severity; the zero theme has no colours. Calm:
// what is well stays in the terminal's own colours, only trouble is coloured.
type theme map[enrich.Severity]palette

func (t theme) of(s enrich.Severity) palette { return t[s] }

// colours is the theme for a terminal: the 16 colours that every palette has.
func colours() theme {
	return theme{
		enrich.OK:       {mark: "32", unit: "", cause: "36", faint: "2"},
		enrich.Warning:  {mark: "33", unit: "1", cause: "33", end: "33", faint: ""},
		enrich.Critical: {mark: "1;31", unit: "1;31", cause: "31", end: "31", faint: ""},
	}
}

// styleFor finds the style for w: colours and a width on a terminal (unless
// NO_COLOR is set, https://no-color.org, or TERM is dumb), nothing of that in a
// pipe, and plain marks where the locale is not UTF-8.
func styleFor(w io.Writer, env func(string) string) *textStyle {
	s := &textStyle{ascii: !utf8Locale(env)}
	if !isTerminal(w) {
		return s
	}
	file := w.(*os.File)
	if env("NO_COLOR") == "" && env("TERM") != "dumb" {
		s.theme = colours()
	}
	s.width = func() int {
		width, _, err := term.GetSize(int(file.Fd()))
		if err != nil {
			return 0
		}
		return width
	}
	return s
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// utf8Locale looks where setlocale(3) looks. Under systemd no locale is set
// at all, and all is UTF-8.
func utf8Locale(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(env(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true
}
