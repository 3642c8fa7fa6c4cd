package journal

// A field is one that an entry is read for. All others stay in the journal.
type field uint8

const (
	fCursor field = iota // the entry's cursor, which is no field of the journal's own
	fBootID
	fTransport
	fSourceTime
	fPID
	fUID
	fLoginUID
	fComm
	fExe
	fCgroup
	fOwnUnit
	fOwnUserUnit
	fOwnInvocation
	fIdentifier
	fPriority
	fMessageID
	fMessage
	fFunc
	fErrno
	fUnit
	fUserUnit
	fInvocation
	fUserInvocation
	fJob
	fJobType
	fJobResult
	fExitCode
	fExitStatus
	fCommand
	fUnitResult
	fRestarts
	fExecutable
	fProcesses
	fDeletedUnit
	fDeletedType
	fCoreUnit
	fCoreUserUnit
	fCorePID
	fCoreUID
	fCoreSignal
	fCoreSignalName
	fCoreExe
	fCoreComm
	fDropped
	fShutdown
	fSleep
	fEvent
	fEventID
	fEventUnit
	fEventCause
	fEventAction
	fEventResult
	fEventSeverity
	fieldCount // at most 64: a bit each in pass.c
)

// fieldNames are the journal's own names (systemd.journal-fields(7)).
var fieldNames = [fieldCount]string{
	fCursor:         "__CURSOR",
	fBootID:         "_BOOT_ID",
	fTransport:      "_TRANSPORT",
	fSourceTime:     "_SOURCE_REALTIME_TIMESTAMP",
	fPID:            "_PID",
	fUID:            "_UID",
	fLoginUID:       "_AUDIT_LOGINUID",
	fComm:           "_COMM",
	fExe:            "_EXE",
	fCgroup:         "_SYSTEMD_CGROUP",
	fOwnUnit:        "_SYSTEMD_UNIT",
	fOwnUserUnit:    "_SYSTEMD_USER_UNIT",
	fOwnInvocation:  "_SYSTEMD_INVOCATION_ID",
	fIdentifier:     "SYSLOG_IDENTIFIER",
	fPriority:       "PRIORITY",
	fMessageID:      "MESSAGE_ID",
	fMessage:        "MESSAGE",
	fFunc:           "CODE_FUNC",
	fErrno:          "ERRNO",
	fUnit:           "UNIT",
	fUserUnit:       "USER_UNIT",
	fInvocation:     "INVOCATION_ID",
	fUserInvocation: "USER_INVOCATION_ID",
	fJob:            "JOB_ID",
	fJobType:        "JOB_TYPE",
	fJobResult:      "JOB_RESULT",
	fExitCode:       "EXIT_CODE",
	fExitStatus:     "EXIT_STATUS",
	fCommand:        "COMMAND",
	fUnitResult:     "UNIT_RESULT",
	fRestarts:       "N_RESTARTS",
	fExecutable:     "EXECUTABLE",
	fProcesses:      "N_PROCESSES",
	fDeletedUnit:    "DELETED_UNIT",
	fDeletedType:    "DELETED_TYPE",
	fCoreUnit:       "COREDUMP_UNIT",
	fCoreUserUnit:   "COREDUMP_USER_UNIT",
	fCorePID:        "COREDUMP_PID",
	fCoreUID:        "COREDUMP_UID",
	fCoreSignal:     "COREDUMP_SIGNAL",
	fCoreSignalName: "COREDUMP_SIGNAL_NAME",
	fCoreExe:        "COREDUMP_EXE",
	fCoreComm:       "COREDUMP_COMM",
	fDropped:        "N_DROPPED",
	fShutdown:       "SHUTDOWN",
	fSleep:          "SLEEP",
	fEvent:          "SDWHY_EVENT",
	fEventID:        "SDWHY_EVENT_ID",
	fEventUnit:      "SDWHY_UNIT",
	fEventCause:     "SDWHY_CAUSE",
	fEventAction:    "SDWHY_ACTION",
	fEventResult:    "SDWHY_RESULT",
	fEventSeverity:  "SDWHY_SEVERITY",
}

// most is how many bytes of a field are read: one more than is used, so that what
// was cut shows.
func (f field) most() int {
	switch f {
	case fMessage:
		return maxMessage + 1
	case fEvent:
		return maxVerdict + 1
	}
	return maxString + 1
}
