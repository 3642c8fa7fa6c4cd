package enrich

import (
	"fmt"
	"slices"
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

// failed says what failed, in systemd's word and in the process's.
func failed(e *Event) string {
	var parts []string
	if x := e.Exit; x != nil && e.Failure != "" {
		parts = append(parts, exitText(x))
	}
	if t := failureText[e.Failure]; t != "" {
		parts = append(parts, t)
	} else if e.Failure != "" && len(parts) == 0 {
		parts = append(parts, e.Failure)
	}
	if d := e.FailedDependency; d != nil {
		parts = append(parts, d.Unit+" ("+d.Relation+"=)")
	}
	return strings.Join(parts, ", ")
}

func exitText(x *Exit) string {
	who := ""
	if x.Command != "" && x.Command != "ExecStart" {
		who = x.Command + " "
	}
	switch {
	case x.Signal != "" && x.Code == "dumped":
		return who + "dumped core on " + x.Signal
	case x.Signal != "":
		return who + "killed by " + x.Signal
	case x.Status != nil && x.Name != "":
		return fmt.Sprintf("%sexit status %d/%s", who, *x.Status, x.Name)
	case x.Status != nil:
		return fmt.Sprintf("%sexit status %d", who, *x.Status)
	}
	return who + x.Code
}

var failureText = map[string]string{
	"timeout":           "it ran into its time limit",
	"watchdog":          "its watchdog was not answered",
	"oom-kill":          "out of memory",
	"start-limit-hit":   "started too often in too short a time",
	"protocol":          "it did not report as its type demands",
	"resources":         "systemd could not set it up",
	"exec-condition":    "its ExecCondition= said no",
	"trigger-limit-hit": "it was triggered too often",
}

// because says why, where the words before have not said it.
func because(e *Event) string {
	t := func(say string) string {
		if e.Trigger == nil {
			return ""
		}
		return " (" + say + e.Trigger.Unit + rooted(e) + ")"
	}
	switch e.Cause {
	case CauseCrash, CauseCleanExit:
		return again(e)
	case CauseManual:
		if slices.Contains(e.Tags, "auto-restart") {
			return again(e) + " (" + byWhom(e) + ")"
		}
		return " (" + byWhom(e) + ")"
	case CauseAutomation:
		return t("asked for by ")
	case CausePackage:
		return " (asked for by a package manager" + via(e) + ")"
	case CauseTimer, CauseSocket, CausePath, CauseAutomount, CauseDevice:
		return t("triggered by ")
	case CauseBus:
		return " (activated over D-Bus" + forWhom(e) + ")"
	case CauseOnFailure:
		return t("because of the failure of ")
	case CauseOnSuccess:
		return t("because of the success of ")
	case CauseDependency:
		return t(dependencyText(e))
	case CauseBoot:
		return " at boot"
	case CauseShutdown:
		return " for shutdown"
	case CauseUnknown:
		return " for an unknown reason"
	}
	return ""
}

// again says that systemd restarts a unit by itself.
func again(e *Event) string {
	how := map[Cause]string{CauseCrash: "it crashed", CauseCleanExit: "it had ended without failure", CauseManual: "it was killed"}[e.Cause]
	switch {
	case e.Action == ActionExit:
		return ""
	case e.Result != "done":
		return " (systemd tried by itself after " + how + ")"
	}
	return " by systemd after " + how
}

func dependencyText(e *Event) string {
	if e.Trigger == nil || e.Trigger.Relation == "" {
		return "because of "
	}
	return e.Trigger.Relation + "= of "
}

func rooted(e *Event) string {
	if e.Root == nil {
		return ""
	}
	if e.Root.Unit == e.Trigger.Unit {
		return ", " + string(e.Root.Cause)
	}
	return ", in the end " + e.Root.Unit + ", " + string(e.Root.Cause)
}

func byWhom(e *Event) string {
	r := e.Requester
	switch {
	case r == nil:
		return "asked for by a client"
	case r.LoginUser != "" && r.LoginUser != r.User:
		return "asked for by " + r.LoginUser + " as " + orUnknown(r.User) + via(e)
	case r.User != "":
		return "asked for by " + r.User + via(e)
	}
	return "asked for by a client" + via(e)
}

func via(e *Event) string {
	if e.Requester == nil || len(e.Requester.Via) == 0 {
		return ""
	}
	v := e.Requester.Via
	return " via " + strings.Join(v[:min(len(v), 3)], " < ")
}

func forWhom(e *Event) string {
	if e.Requester == nil || e.Requester.Comm == "" {
		return ""
	}
	return " for " + e.Requester.Comm
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
