package journal

import (
	"maps"
	"strings"

	"sdwhy/enrich"
)

// A decoder turns records into entries: pure translation.
type decoder struct {
	manager manager
	// boot is the boot whose entries need no BootID; "" gives every entry one.
	boot string
	// own says that the records are lines of units' own processes.
	own bool
}

// entry translates one record; false means that its origin is not one to
// trust, or that it says nothing about causes.
func (d decoder) entry(r record) (enrich.Entry, bool) {
	e := enrich.Entry{
		Cursor:    r.cursor,
		Time:      r.time(),
		Mono:      r.monotonic,
		MessageID: r.id128("MESSAGE_ID"),
		Message:   r.text("MESSAGE"),
		Priority:  int(r.number("PRIORITY", 0, 7)),
		PID:       int(r.number("_PID", 1, 1<<22)),
	}
	if boot := r.id128("_BOOT_ID"); boot != d.boot {
		e.BootID = boot
	}
	return e, d.fill(&e, r)
}

// fill decides the source, by trusted fields alone, and adds what it says.
func (d decoder) fill(e *enrich.Entry, r record) bool {
	m, transport := d.manager, r.fields["_TRANSPORT"]
	switch {
	case d.own:
		return d.unitLine(e, r)
	case m.wrote(r):
		d.managerLine(e, r)
	case transport == "driver":
		return journaldLine(e, r)
	case transport == "kernel":
		return kernelLine(e, r)
	case e.MessageID == enrich.MsgSpawnFailed || !m.user && r.fields["_SYSTEMD_CGROUP"] == "/init.scope":
		return d.childLine(e, r)
	case e.MessageID == enrich.MsgCoredump:
		return d.coredumpLine(e, r)
	case e.MessageID == enrich.MsgVerdict:
		return d.verdictLine(e, r)
	default:
		return d.daemonLine(e, r)
	}
	return true
}

// managerLine is a line of PID 1 or of the user manager.
func (d decoder) managerLine(e *enrich.Entry, r record) {
	e.Source = enrich.SourceManager
	e.Func = r.text("CODE_FUNC")
	e.Unit = r.text(d.manager.unitField())
	e.Invocation = r.id128(d.manager.invocationField())
	e.Job = uint32(r.number("JOB_ID", 1, 1<<32-1))
	e.JobType, e.JobResult = r.text("JOB_TYPE"), r.text("JOB_RESULT")
	e.ExitCode, e.ExitStatus = r.text("EXIT_CODE"), r.text("EXIT_STATUS")
	e.Command, e.Result = r.text("COMMAND"), r.text("UNIT_RESULT")
	e.Restarts = r.text("N_RESTARTS")
	e.Fields = pick(r, "ERRNO", "EXECUTABLE", "N_PROCESSES", "DELETED_UNIT", "DELETED_TYPE")
}

// childLine is a line of a child that failed before exec. The child may sit in
// the unit's cgroup by then, so it may speak of that unit only; where journald
// came too late to see its cgroup, PID is left for the reader to check.
func (d decoder) childLine(e *enrich.Entry, r record) bool {
	unit, cgroup := r.text(d.manager.unitField()), r.fields[d.manager.ownUnit()]
	if unit == "" || cgroup != "" && cgroup != "init.scope" && cgroup != unit {
		return false
	}
	e.Source, e.Unit = enrich.SourceChild, unit
	e.Func = r.text("CODE_FUNC")
	e.Invocation = r.id128(d.manager.invocationField())
	e.Fields = pick(r, "ERRNO", "EXECUTABLE")
	return true
}

// coredumpLine is an entry of systemd-coredump@.service, or of root, as which
// it runs where that unit's name was not seen.
func (d decoder) coredumpLine(e *enrich.Entry, r record) bool {
	unit := r.fields["_SYSTEMD_UNIT"]
	if !strings.HasPrefix(unit, "systemd-coredump@") && (unit != "" || r.fields["_UID"] != "0") {
		return false
	}
	e.Source, e.Unit = enrich.SourceCoredump, r.text(d.manager.coreUnit())
	e.Fields = pick(r, "COREDUMP_PID", "COREDUMP_UID", "COREDUMP_SIGNAL", "COREDUMP_SIGNAL_NAME", "COREDUMP_EXE", "COREDUMP_COMM")
	return true
}

// verdictLine is an event that sdwhy wrote back: believed from the shipped
// service and from root; for a user's manager from that user too.
func (d decoder) verdictLine(e *enrich.Entry, r record) bool {
	uid := r.fields["_UID"]
	if r.fields["_SYSTEMD_UNIT"] != "sdwhy.service" && uid != "0" && (!d.manager.user || uid != d.manager.uid) {
		return false
	}
	event := r.fields["SDWHY_EVENT"]
	if event == "" || len(event) > maxVerdict {
		return false
	}
	e.Source, e.Unit = enrich.SourceVerdict, r.text("SDWHY_UNIT")
	e.Fields = map[string]string{"SDWHY_EVENT": clipped(event)}
	maps.Copy(e.Fields, pick(r, "SDWHY_EVENT_ID", "SDWHY_CAUSE", "SDWHY_ACTION", "SDWHY_RESULT", "SDWHY_SEVERITY"))
	return true
}

// unitLine is a line that one of the unit's own processes logged.
func (d decoder) unitLine(e *enrich.Entry, r record) bool {
	e.Source, e.Unit = enrich.SourceUnit, r.text(d.manager.ownUnit())
	e.Invocation = r.id128("_SYSTEMD_INVOCATION_ID")
	e.Message = mask(e.Message)
	return e.Message != "" && !d.manager.wrote(r)
}

// pick copies fields that are there; nil when none is.
func pick(r record, names ...string) (fields map[string]string) {
	for _, n := range names {
		if v := r.text(n); v != "" {
			if fields == nil {
				fields = make(map[string]string, len(names))
			}
			fields[n] = v
		}
	}
	return fields
}
