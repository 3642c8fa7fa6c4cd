package enrich

import (
	"slices"
	"strings"
)

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
