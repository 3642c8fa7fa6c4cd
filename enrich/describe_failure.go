package enrich

import (
	"fmt"
	"strings"
)

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
