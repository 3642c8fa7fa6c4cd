package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sdwhy/enrich"
)

// summary is a unit's events in one line: "3 crashes (SIGSEGV), 2 manual restarts,
// 1 reload in 24 h; up since 02:14".
func (s *story) summary(events []enrich.Event) string {
	counts, how := map[string]int{}, map[string][]string{}
	var kinds []string
	for _, e := range events {
		one, detail := deedOf(e)
		if counts[one]++; counts[one] == 1 {
			kinds = append(kinds, one)
		}
		if detail != "" && !slices.Contains(how[one], detail) {
			how[one] = append(how[one], detail)
		}
	}
	slices.SortStableFunc(kinds, func(a, b string) int { return rank(a) - rank(b) })
	var parts []string
	for _, k := range kinds {
		part := plural(counts[k], k)
		if len(how[k]) > 0 {
			part += " (" + strings.Join(how[k], ", ") + ")"
		}
		parts = append(parts, part)
	}
	from, to := s.bounds(events)
	text := strings.Join(parts, ", ") + " in " + length(to.Sub(from))
	if len(events) == s.ask.newest {
		text += " (the newest " + fmt.Sprint(s.ask.newest) + ")"
	}
	if now := s.standing(events); now != "" {
		text += "; " + now
	}
	return text
}

// deedOf names what an event was, and what failed.
func deedOf(e enrich.Event) (what, detail string) {
	auto := e.Cause == enrich.CauseCrash || e.Cause == enrich.CauseCleanExit
	switch {
	case e.Action == enrich.ActionExit && e.Cause == enrich.CauseCrash:
		what = "crash"
	case e.Action == enrich.ActionExit:
		return "end", ""
	case e.Failure == "start-limit-hit":
		return "start refused", ""
	case hasFailed(e):
		what = "failed " + e.Action
	case e.Action == enrich.ActionRestart && auto:
		return "automatic restart", ""
	case e.Cause == enrich.CauseUnknown:
		return e.Action, ""
	default:
		return string(e.Cause) + " " + e.Action, ""
	}
	switch {
	case e.Exit != nil && e.Exit.Signal != "":
		return what, e.Exit.Signal
	case e.Exit != nil && e.Exit.Status != nil && *e.Exit.Status != 0:
		return what, strings.TrimSpace(fmt.Sprintf("exit %d %s", *e.Exit.Status, e.Exit.Name))
	}
	return what, e.Failure
}

// rank puts what went wrong first.
func rank(kind string) int {
	switch {
	case kind == "crash":
		return 0
	case kind == "start refused", strings.HasPrefix(kind, "failed "):
		return 1
	case kind == "automatic restart":
		return 2
	case strings.HasSuffix(kind, "restart"):
		return 3
	}
	return 4
}

func plural(n int, what string) string {
	switch {
	case n == 1:
	case what == "start refused":
		what = "starts refused"
	case strings.HasSuffix(what, "sh"):
		what += "es"
	case strings.HasSuffix(what, "stop"), strings.HasSuffix(what, "t"), strings.HasSuffix(what, "d"), strings.HasSuffix(what, "p"):
		what += "s"
	case strings.HasSuffix(what, "y"):
		what = strings.TrimSuffix(what, "y") + "ies"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// bounds is the time that the summary and the bar speak of: the range asked for,
// else from the first event on, to now unless all is long ago.
func (s *story) bounds(events []enrich.Event) (from, to time.Time) {
	from, to = s.at(events[0]), s.in(s.now)
	if last := s.at(events[len(events)-1]); to.Sub(last) > 7*24*time.Hour || to.Before(last) {
		to = last
	}
	if s.ask.since != 0 {
		from = s.in(time.UnixMicro(s.ask.since))
	}
	if s.ask.until != 0 {
		to = s.in(time.UnixMicro(s.ask.until))
	}
	return from, to
}

func length(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(max(1, d.Round(time.Second).Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()+0.5))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24+0.5))
}

// standing is where the unit stands after its last event, where that tells.
func (s *story) standing(events []enrich.Event) string {
	if s.ask.picky() || len(events) == 0 {
		return ""
	}
	e := events[len(events)-1]
	since := " since " + s.at(e).Format("15:04")
	if s.in(s.now).Sub(s.at(e)) > 20*time.Hour {
		since = " since " + s.at(e).Format("2006-01-02 15:04")
	}
	switch e.Action {
	case enrich.ActionStart, enrich.ActionRestart:
		switch {
		case hasFailed(e) && (e.State == nil || e.State.Active != "active"):
			return "down" + since
		case e.Result != "done", ranOnce(e):
			return ""
		}
		return "up" + since
	case enrich.ActionStop:
		return "down" + since
	case enrich.ActionExit:
		if e.WillRestart != nil && *e.WillRestart {
			return ""
		}
		return "down" + since
	}
	return ""
}

// ranOnce knows a oneshot, whose start is over when it is.
func ranOnce(e enrich.Event) bool {
	return e.State != nil && e.State.Active != "active" || slices.ContainsFunc(e.Evidence, func(p enrich.Evidence) bool {
		return strings.HasPrefix(p.Says, "Finished ")
	})
}

const (
	barSlots = 48
	barRoom  = 72
)

// barLength is a day, or as much of it as has the events.
func barLength(events time.Duration) time.Duration {
	for _, d := range []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour} {
		if events <= d {
			return d
		}
	}
	return 24 * time.Hour
}

// bar shows a day (less where that has all events), or the range asked for, in 48 slots: x a crash or failure, r a
// restart, o anything else; the worst of a slot wins.
func (s *story) bar(events []enrich.Event) string {
	from, to := s.bounds(events)
	if s.ask.since == 0 {
		from = to.Add(-barLength(to.Sub(from)))
	}
	if to.Sub(from) < time.Minute {
		return ""
	}
	slots := []byte(strings.Repeat(".", barSlots))
	for _, e := range events {
		at := s.at(e)
		if at.Before(from) || at.After(to) {
			continue
		}
		i := min(barSlots-1, int(float64(barSlots)*float64(at.Sub(from))/float64(to.Sub(from))))
		if m := barMark(e); strings.IndexByte(barOrder, m) > strings.IndexByte(barOrder, slots[i]) {
			slots[i] = m
		}
	}
	layout := "15:04"
	if to.Sub(from) > 20*time.Hour {
		layout = "Jan 02 15:04"
	}
	return fmt.Sprintf("  %s |%s| %s  x failed, r restarted\n", from.Format(layout), slots, to.Format(layout))
}

const barOrder = ".orx"

func barMark(e enrich.Event) byte {
	switch {
	case hasFailed(e):
		return 'x'
	case e.Action == enrich.ActionRestart:
		return 'r'
	}
	return 'o'
}
