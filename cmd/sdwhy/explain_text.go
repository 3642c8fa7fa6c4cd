package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sdwhy/enrich"
)

// A story tells events as a person reads them: each unit's summary, its day as a
// bar, and its timeline.
type story struct {
	style *textStyle
	ask   question
	now   time.Time
}

// text is the whole story, the unit with the newest event last.
func (s *story) text(told []enrich.Event) string {
	byUnit := map[string][]enrich.Event{}
	var units []string
	for _, e := range told {
		if byUnit[e.Unit] == nil {
			units = append(units, e.Unit)
		}
		byUnit[e.Unit] = append(byUnit[e.Unit], e)
	}
	slices.SortStableFunc(units, func(a, b string) int {
		return cmp.Compare(byUnit[a][len(byUnit[a])-1].Time, byUnit[b][len(byUnit[b])-1].Time)
	})
	var b strings.Builder
	for i, u := range units {
		if i > 0 {
			b.WriteString("\n")
		}
		s.unit(&b, u, byUnit[u], told)
	}
	return b.String()
}

func (s *story) unit(b *strings.Builder, unit string, events, all []enrich.Event) {
	bold := s.style.theme.of(enrich.Warning).unit
	fmt.Fprintf(b, "%s: %s\n", bold.paint(sanitize(unit)), sanitize(s.summary(events)))
	if room := s.style.columns(); room == 0 || room >= barRoom {
		b.WriteString(s.bar(events))
	}
	day := ""
	for _, e := range events {
		if d := s.at(e).Format("Mon 2006-01-02"); d != day {
			day = d
			fmt.Fprintf(b, "\n  %s\n", day)
		}
		s.event(b, e, all)
	}
}

func (s *story) at(e enrich.Event) time.Time { return s.in(e.Time.Time()) }

func (s *story) in(t time.Time) time.Time {
	if s.style.zone != nil {
		return t.In(s.style.zone)
	}
	return t.Local()
}

// event is when and what, and below it why, who, the last lines and the proof.
func (s *story) event(b *strings.Builder, e enrich.Event, all []enrich.Event) {
	paint := s.style.theme.of(e.Severity)
	what := sanitize(sentence(e))
	if room := s.style.columns(); room > 0 {
		what = wrap(what, room-14, "\n              ")
	}
	fmt.Fprintf(b, "  %s  %s %s\n", s.at(e).Format("15:04:05"), paint.mark.paint(s.style.mark(e.Severity)), paint.end.paint(what))
	s.detail(b, "why", s.reason(e))
	s.detail(b, "chain", chain(e, all, s.style.ascii))
	s.detail(b, "asked", asked(e.Requester))
	s.detail(b, "took", took(e))
	for _, l := range e.Log {
		s.detail(b, "log", l)
	}
	if e.Cause == enrich.CauseUnknown {
		s.detail(b, "missing", strings.Join(e.Missing, ", "))
	}
	s.detail(b, "proof", s.proof(e))
}

// detail is one line, cut to the terminal; a command is left whole, to be copied.
func (s *story) detail(b *strings.Builder, name, text string) {
	if text == "" {
		return
	}
	text = sanitize(text)
	if room := s.style.columns(); room > 0 && name != "proof" {
		text = cut(text, room-22, s.style.ascii)
	}
	faint := s.style.theme.of(enrich.OK).faint
	fmt.Fprintf(b, "              %s %s\n", faint.paint(fmt.Sprintf("%-7s", name)), faint.paint(text))
}

// reason is the cause in words, with the piece of evidence that says most.
func (s *story) reason(e enrich.Event) string {
	if e.Cause == enrich.CauseUnknown {
		return ""
	}
	text := string(e.Cause)
	if e.Trigger != nil && e.Trigger.Relation != string(e.Cause) {
		text += " (" + e.Trigger.Relation + " " + e.Trigger.Unit + ")"
	} else if e.Trigger != nil {
		text += " (" + e.Trigger.Unit + ")"
	}
	if len(e.Evidence) > 0 {
		text += ": " + e.Evidence[0].Says
	}
	return text
}

// chain is the way from the unit to where it began: "web ← app (PartOf) ← db (crash)".
func chain(e enrich.Event, all []enrich.Event, ascii bool) string {
	arrow := map[bool]string{true: " <- ", false: " ← "}[ascii]
	if e.Trigger == nil || e.Root == nil {
		return ""
	}
	links, at := []string{e.Unit}, e
	for range 16 {
		links = append(links, fmt.Sprintf("%s (%s)", at.Trigger.Unit, at.Trigger.Relation))
		next := slices.IndexFunc(all, func(o enrich.Event) bool {
			return o.Unit == at.Trigger.Unit && o.BootID == at.BootID && o.Manager == at.Manager && o.Job != nil && at.Trigger.JobID == o.Job.ID
		})
		if next < 0 || all[next].Trigger == nil {
			break
		}
		at = all[next]
	}
	if at.Trigger.Unit != e.Root.Unit {
		links = append(links, "…")
		links = append(links, e.Root.Unit)
	}
	return strings.Join(links, arrow) + ": " + string(e.Root.Cause)
}

// asked is who asked, as far as is known.
func asked(r *enrich.Requester) string {
	if r == nil {
		return ""
	}
	parts := []string{cmp.Or(r.LoginUser, r.User)}
	if parts[0] == "" && r.UID != nil {
		parts[0] = fmt.Sprintf("uid %d", *r.UID)
	}
	if r.LoginUser != "" && r.User != "" && r.User != r.LoginUser {
		parts[0] += " as " + r.User
	}
	if what := cmp.Or(r.Cmdline, r.Comm); what != "" {
		parts = append(parts, what)
	}
	if len(r.Via) > 0 {
		parts = append(parts, "via "+strings.Join(r.Via, ", "))
	}
	if r.Unit != "" {
		parts = append(parts, "in "+r.Unit)
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; ")
}

// took is how long the job took, where that is long enough to matter.
func took(e enrich.Event) string {
	if e.Job == nil || e.Job.DurationS == nil || *e.Job.DurationS < 1 {
		return ""
	}
	return time.Duration(*e.Job.DurationS * float64(time.Second)).Round(100 * time.Millisecond).String()
}

// proof is the command that shows the entries that the event rests on.
func (s *story) proof(e enrich.Event) string {
	words := []string{"journalctl"}
	if d := s.ask.where.Directory; d != "" {
		words = append(words, "-D", quote(d))
	}
	for _, f := range s.ask.where.Files {
		words = append(words, "--file", quote(f))
	}
	origin, invocation := []string{"_PID=1"}, "INVOCATION_ID="
	if uid, pid, ok := strings.Cut(strings.TrimPrefix(e.Manager, "user-"), "-"); ok {
		origin, invocation = []string{"_SYSTEMD_UNIT=user@" + uid + ".service", "_PID=" + pid}, "USER_INVOCATION_ID="
	}
	switch {
	case e.Job != nil:
		words = append(append(words, origin...), "_BOOT_ID="+e.BootID, fmt.Sprintf("JOB_ID=%d", e.Job.ID))
	case e.InvocationID != "":
		words = append(append(words, origin...), invocation+e.InvocationID)
	default:
		words = append(words, "SDWHY_EVENT_ID="+quote(e.ID))
	}
	return strings.Join(words, " ")
}

// quote makes a word that a shell takes as it is.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@,=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// wrap breaks text into lines of at most width runes, at spaces.
func wrap(text string, width int, newline string) string {
	width = max(width, minSentence)
	var b strings.Builder
	used := 0
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i > 0 && used+1+n > width:
			b.WriteString(newline)
			used = 0
		case i > 0:
			b.WriteString(" ")
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}
