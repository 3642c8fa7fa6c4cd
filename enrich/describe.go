package enrich

import (
	"fmt"
	"strings"
	"time"
)

// describe is the event in one sentence that a person reads at 3 a.m.: what
// happened, why, what failed, and what becomes of it.
func describe(e *Event, loop bool) string {
	var b strings.Builder
	b.WriteString(e.Unit + " " + happened(e))
	if f := failed(e); f != "" {
		b.WriteString(": " + f)
	}
	b.WriteString(because(e))
	b.WriteString(after(e, loop))
	return b.String()
}

var past = map[string]string{ActionStart: "started", ActionStop: "stopped", ActionRestart: "restarted", ActionReload: "reloaded", ActionVerify: "was found active"}

func happened(e *Event) string {
	switch e.Action {
	case ActionExit:
		return exited(e)
	case ActionReset:
		if e.Cause != CauseManual {
			return "was failed and has been unloaded"
		}
		return "was failed and has been reset"
	case ActionNop:
		return "was asked for what it already was"
	case "":
		return "had a job that ended " + orUnknown(e.Result)
	}
	switch e.Result {
	case "done":
		return done(e)
	case "skipped":
		if e.Job != nil && e.Job.Type == ActionRestart {
			return "was stopped and not started again: a condition was not met"
		}
		return "was not started: a condition was not met"
	case "canceled":
		return "had its " + e.Action + " canceled"
	case "timeout":
		return "did not " + e.Action + " in time"
	case "dependency":
		return "could not " + e.Action + ": a unit that it needs failed"
	case "assert":
		return "was not started: an assertion failed"
	case "", "collected":
		return "had a " + e.Action + " job that ended " + orUnknown(e.Result)
	}
	if e.Failure == "start-limit-hit" {
		return "was refused another start"
	}
	return "failed to " + e.Action + word(e)
}

// word adds a result that is not plain failed.
func word(e *Event) string {
	if e.Result == "failed" {
		return ""
	}
	return " (" + e.Result + ")"
}

func orUnknown(s string) string {
	if s == "" {
		return "unseen"
	}
	return s
}

func done(e *Event) string {
	switch {
	case e.Action == ActionStart && e.State != nil && e.State.Active == "inactive":
		return "ran to its end"
	case e.Action == ActionStop && e.Failure != "":
		return "stopped uncleanly"
	case e.reloadedAway():
		return "ended during its reload"
	}
	return past[e.Action]
}

func exited(e *Event) string {
	switch {
	case e.Cause == CauseCrash:
		return "crashed" + lasted(e)
	case e.Cause == CauseCleanExit:
		return "ended by itself without failure" + lasted(e)
	case e.Cause == CauseManual:
		return "was killed" + lasted(e)
	}
	return "ended" + lasted(e)
}

func lasted(e *Event) string {
	if e.UptimeS == nil {
		return ""
	}
	return " after " + span(*e.UptimeS)
}

// span is a time in s as people say it.
func span(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < 48*time.Hour:
		return hours(d.Round(time.Second))
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// hours leaves out of "1h0m0s" what is nought.
func hours(d time.Duration) string {
	s := d.String()
	if cut, ok := strings.CutSuffix(s, "m0s"); ok {
		s = cut + "m"
	}
	if cut, ok := strings.CutSuffix(s, "h0m"); ok {
		s = cut + "h"
	}
	return s
}

// after says what becomes of it.
func after(e *Event, loop bool) string {
	var s string
	switch {
	case e.WillRestart != nil && *e.WillRestart:
		s = "; systemd will restart it"
	case e.Severity == Critical && e.Action == ActionReload && e.State != nil && isUp(e.State.Active):
		s = "; it goes on with its old configuration"
	case e.Severity == Critical && e.Action != ActionReload:
		s = "; it stays down"
	}
	if loop {
		s += "; it keeps crashing"
	}
	return s
}
