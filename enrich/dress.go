package enrich

// dress adds what follows from the rest: severity, tags and the sentence.
func (c *Correlator) dress(e *Event, u *unit, auto bool) {
	loop := e.Failure == "start-limit-hit" || crashing(e) && len(recent(u.crashes, int64(e.Time))) >= 3
	e.Severity = severity(e)
	e.Tags = tags(e, auto, loop)
	if int64(e.Time) < c.began {
		e.Tags = append(e.Tags, "replayed") // it was over before the stream began: read from the journal
	}
	e.Description = describe(e, loop)
}

// crashing events are those of a unit that fails by itself, or comes back from it.
func crashing(e *Event) bool {
	return e.Cause == CauseCrash && e.Action != ActionReset || e.Action == ActionStart && e.Result == "failed"
}

// severity: critical is down for good, or failed for good; warning is what came or
// comes back, was canceled, or did not stop cleanly (DESIGN.md §3).
func severity(e *Event) Severity {
	back := e.WillRestart != nil && *e.WillRestart
	switch e.Action {
	case ActionReset, ActionNop, ActionVerify:
		return okIf(e.Result == "done" || e.Result == "skipped")
	case ActionExit:
		return exitSeverity(e, back)
	case ActionStop:
		return okIf(e.Result == "done" && e.Failure == "")
	}
	switch e.Result {
	case "done":
		return doneSeverity(e)
	case "skipped", "collected":
		return OK
	case "failed", "timeout", "dependency", "assert":
		if back {
			return Warning
		}
		return Critical
	}
	return Warning
}

func okIf(fine bool) Severity {
	if fine {
		return OK
	}
	return Warning
}

func exitSeverity(e *Event, back bool) Severity {
	switch {
	case e.Failure == "" && e.Cause != CauseUnknown:
		return OK
	case back || e.Failure == "":
		return Warning
	}
	return Critical
}

// doneSeverity: a restart that healed a crash, or whose stop half failed, is worth
// a warning; one that left the unit down is not done at all, nor is a reload.
func doneSeverity(e *Event) Severity {
	down := e.State != nil && e.State.Active == "failed"
	switch {
	case e.reloadedAway() && e.WillRestart != nil && *e.WillRestart:
		return Warning
	case e.reloadedAway():
		return Critical
	case e.Failure != "" && down:
		return Critical
	case e.Failure != "":
		return Warning
	case e.Action == ActionRestart && e.Cause == CauseCrash:
		return Warning
	}
	return OK
}

// reloadedAway: the unit is down after its reload.
func (e *Event) reloadedAway() bool {
	return e.Action == ActionReload && e.Result == "done" && e.State != nil && isDown(e.State.Active)
}

// tags are what alert rules key on.
func tags(e *Event, auto, loop bool) []string {
	t := []string{"systemd"}
	add := func(key, value string) {
		if value != "" {
			t = append(t, key+":"+value)
		}
	}
	add("action", e.Action)
	add("cause", string(e.Cause))
	add("result", e.Result)
	add("failure", e.Failure)
	if e.Root != nil {
		add("root", string(e.Root.Cause))
	}
	if auto {
		t = append(t, "auto-restart")
	}
	if loop {
		t = append(t, "crash-loop")
	}
	if e.Job == nil {
		t = append(t, "no-job")
	}
	return t
}
