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
func (d decoder) entry(r *record) (enrich.Entry, bool) {
	e := enrich.Entry{
		Cursor:    r.fields[fCursor],
		Time:      r.time(),
		Mono:      r.monotonic,
		MessageID: r.id128(fMessageID),
		Message:   r.text(fMessage),
		Priority:  int(r.number(fPriority, 0, 7)),
		PID:       int(r.number(fPID, 1, 1<<22)),
	}
	if boot := r.id128(fBootID); boot != d.boot {
		e.BootID = boot
	}
	return e, d.fill(&e, r)
}

// fill decides the source, by trusted fields alone, and adds what it says.
func (d decoder) fill(e *enrich.Entry, r *record) bool {
	m, transport := d.manager, r.fields[fTransport]
	switch {
	case d.own:
		return d.unitLine(e, r)
	case m.wrote(r):
		d.managerLine(e, r)
	case transport == "driver":
		return journaldLine(e, r)
	case transport == "kernel":
		return kernelLine(e, r)
	case e.MessageID == enrich.MsgSpawnFailed || !m.user && r.fields[fCgroup] == "/init.scope":
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
func (d decoder) managerLine(e *enrich.Entry, r *record) {
	e.Source = enrich.SourceManager
	e.Func = r.text(fFunc)
	e.Unit = r.text(d.manager.unitField())
	e.Invocation = r.id128(d.manager.invocationField())
	e.Job = uint32(r.number(fJob, 1, 1<<32-1))
	e.JobType, e.JobResult = r.text(fJobType), r.text(fJobResult)
	e.ExitCode, e.ExitStatus = r.text(fExitCode), r.text(fExitStatus)
	e.Command, e.Result = r.text(fCommand), r.text(fUnitResult)
	e.Restarts = r.text(fRestarts)
	e.Fields = pick(r, fErrno, fExecutable, fProcesses, fDeletedUnit, fDeletedType)
}

// childLine is a line of a child that failed before exec. The child may sit in
// the unit's cgroup by then, so it may speak of that unit only; where journald
// came too late to see its cgroup, PID is left for the reader to check.
func (d decoder) childLine(e *enrich.Entry, r *record) bool {
	unit, cgroup := r.text(d.manager.unitField()), r.fields[d.manager.ownUnit()]
	if unit == "" || cgroup != "" && cgroup != "init.scope" && cgroup != unit {
		return false
	}
	e.Source, e.Unit = enrich.SourceChild, unit
	e.Func = r.text(fFunc)
	e.Invocation = r.id128(d.manager.invocationField())
	e.Fields = pick(r, fErrno, fExecutable)
	return true
}

// coredumpLine is an entry of systemd-coredump@.service, or of root, as which
// it runs where that unit's name was not seen.
func (d decoder) coredumpLine(e *enrich.Entry, r *record) bool {
	unit := r.fields[fOwnUnit]
	if !strings.HasPrefix(unit, "systemd-coredump@") && (unit != "" || r.fields[fUID] != "0") {
		return false
	}
	e.Source, e.Unit = enrich.SourceCoredump, r.text(d.manager.coreUnit())
	e.Fields = pick(r, fCorePID, fCoreUID, fCoreSignal, fCoreSignalName, fCoreExe, fCoreComm)
	return true
}

// verdictLine is an event that sdwhy wrote back: believed from the shipped
// service and from root; for a user's manager from that user too.
func (d decoder) verdictLine(e *enrich.Entry, r *record) bool {
	uid := r.fields[fUID]
	if r.fields[fOwnUnit] != "sdwhy.service" && uid != "0" && (!d.manager.user || uid != d.manager.uid) {
		return false
	}
	event := r.fields[fEvent]
	if event == "" || len(event) > maxVerdict {
		return false
	}
	e.Source, e.Unit = enrich.SourceVerdict, r.text(fEventUnit)
	e.Fields = map[string]string{"SDWHY_EVENT": clipped(event)}
	maps.Copy(e.Fields, pick(r, fEventID, fEventCause, fEventAction, fEventResult, fEventSeverity))
	return true
}

// unitLine is a line that one of the unit's own processes logged.
func (d decoder) unitLine(e *enrich.Entry, r *record) bool {
	e.Source, e.Unit = enrich.SourceUnit, r.text(d.manager.ownUnit())
	e.Invocation = r.id128(fOwnInvocation)
	e.Message = mask(e.Message)
	return e.Message != "" && !d.manager.wrote(r)
}

// pick copies fields that are there, under their names; nil when none is.
func pick(r *record, wanted ...field) (fields map[string]string) {
	for _, f := range wanted {
		if v := r.text(f); v != "" {
			if fields == nil {
				fields = make(map[string]string, len(wanted))
			}
			fields[fieldNames[f]] = v
		}
	}
	return fields
}
