package main

import (
	"strings"
	"time"
	"unicode/utf8"

	"sdwhy/enrich"
)

// Widths of the text columns, in runes. The unit's column grows to the longest
// name seen, up to a bound; a longer name pushes its own line only.
const (
	unitWidth    = 24
	maxUnitWidth = 32
	actionWidth  = len("restart")
	causeWidth   = len("dependency")
	endWidth     = len("dependency")
	timeLayout   = "Jan _2 15:04:05"
)

// A textStyle is how events look as text: the theme and marks suit the terminal
// or the pipe that they go to.
type textStyle struct {
	theme theme
	ascii bool           // no UTF-8 locale: plain marks
	width func() int     // columns of the terminal; nil or 0 is unbounded
	zone  *time.Location // nil is local time
	unit  int            // the unit column's width so far
}

// line renders one event: when, how bad, unit, action, why, how it ended, and the
// sentence, in aligned columns, ending in a newline.
func (s *textStyle) line(e enrich.Event) string {
	unit := sanitize(e.Unit)
	s.unit = max(s.unit, unitWidth, min(utf8.RuneCountInString(unit), maxUnitWidth))
	paint := s.theme.of(e.Severity)
	columns := []struct {
		text  string
		width int
		style sgr
	}{
		{s.local(e.Time), len(timeLayout), paint.faint},
		{s.mark(e.Severity), 1, paint.mark},
		{unit, s.unit, paint.unit},
		{sanitize(e.Action), actionWidth, paint.plain},
		{sanitize(string(e.Cause)), causeWidth, paint.cause},
		{sanitize(ending(e)), endWidth, paint.end},
		{sanitize(sentence(e)), 0, paint.faint},
	}
	var b strings.Builder
	used, room := 0, s.columns()
	for i, c := range columns {
		text := c.text
		if i == len(columns)-1 && room > 0 {
			text = cut(text, room-used, s.ascii)
		}
		b.WriteString(c.style.paint(text))
		if i < len(columns)-1 {
			pad := max(0, c.width-utf8.RuneCountInString(text)) + 2
			used += utf8.RuneCountInString(text) + pad
			b.WriteString(strings.Repeat(" ", pad))
		}
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}

func (s *textStyle) local(t enrich.Stamp) string {
	zone := s.zone
	if zone == nil {
		zone = time.Local
	}
	return t.Time().In(zone).Format(timeLayout)
}

func (s *textStyle) columns() int {
	if s.width == nil {
		return 0
	}
	return s.width()
}

// mark shows the severity by shape as well as by colour.
func (s *textStyle) mark(severity enrich.Severity) string {
	marks := map[enrich.Severity]string{enrich.OK: "·", enrich.Warning: "▲", enrich.Critical: "✗"}
	if s.ascii {
		marks = map[enrich.Severity]string{enrich.OK: ".", enrich.Warning: "!", enrich.Critical: "X"}
	}
	if m, ok := marks[severity]; ok {
		return m
	}
	return "?"
}

// ending is how it ended in one word: what failed, where something did.
func ending(e enrich.Event) string {
	switch {
	case e.Failure != "" && e.Result != "" && e.Result != "done":
		return e.Result
	case e.Failure != "":
		return e.Failure
	case e.Result == "":
		return "?"
	default:
		return e.Result
	}
}

// sentence is the event's description without the unit's name at its front, which
// has a column of its own.
func sentence(e enrich.Event) string {
	rest, found := strings.CutPrefix(e.Description, e.Unit)
	if found {
		rest = strings.TrimLeft(rest, " :,")
	}
	return rest
}

// minSentence is the room that the sentence gets on however narrow a terminal.
const minSentence = 20

// cut shortens s to width runes, on a terminal only: one event, one line.
func cut(s string, width int, ascii bool) string {
	width = max(width, minSentence)
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	dots := "…"
	if ascii {
		dots = "..."
	}
	return strings.TrimRight(string([]rune(s)[:width-utf8.RuneCountInString(dots)]), " ") + dots
}
