package enrich

import "time"

// Cause says why a job was asked for, or why a run ended. The zero value is no verdict.
type Cause string

const (
	CauseCrash      Cause = "crash"
	CauseCleanExit  Cause = "clean-exit"
	CauseManual     Cause = "manual"
	CauseAutomation Cause = "automation"
	CausePackage    Cause = "package"
	CauseTimer      Cause = "timer"
	CauseSocket     Cause = "socket"
	CausePath       Cause = "path"
	CauseBus        Cause = "dbus"
	CauseAutomount  Cause = "automount"
	CauseDevice     Cause = "device"
	CauseOnFailure  Cause = "on-failure"
	CauseOnSuccess  Cause = "on-success"
	CauseDependency Cause = "dependency"
	CauseBoot       Cause = "boot"
	CauseShutdown   Cause = "shutdown"
	CauseUnknown    Cause = "unknown"
)

// Severity is what an alert rule sees first. The zero value is none.
type Severity string

const (
	OK       Severity = "ok"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Actions of events: the first six are jobs, the last two have none.
const (
	ActionStart   = "start"
	ActionStop    = "stop"
	ActionRestart = "restart"
	ActionReload  = "reload"
	ActionVerify  = "verify"
	ActionNop     = "nop"
	ActionExit    = "exit"
	ActionReset   = "reset"
)

// Stamp is µs since the epoch; as JSON it is RFC 3339 in UTC with microseconds.
type Stamp int64

const stampLayout = "2006-01-02T15:04:05.000000Z07:00"

// Time gives the stamp as a time in UTC.
func (s Stamp) Time() time.Time { return time.UnixMicro(int64(s)).UTC() }

// MarshalText writes RFC 3339 with microseconds.
func (s Stamp) MarshalText() ([]byte, error) {
	return s.Time().AppendFormat(nil, stampLayout), nil
}

// UnmarshalText reads RFC 3339.
func (s *Stamp) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return err
	}
	*s = Stamp(t.UnixMicro())
	return nil
}

// An Event is one finished job, one end of a run, or one reset: DESIGN.md §3 is
// its contract. Absent means unknown or not applicable.
type Event struct {
	ID      string   `json:"id"`
	Time    Stamp    `json:"time"`
	Host    string   `json:"host,omitempty"`
	BootID  string   `json:"boot_id,omitempty"`
	Manager string   `json:"manager,omitempty"`
	Unit    string   `json:"unit"`
	Action  string   `json:"action"`
	Result  string   `json:"result,omitempty"`
	Cause   Cause    `json:"cause"`
	Failure string   `json:"failure,omitempty"`
	Exit    *Exit    `json:"exit,omitempty"`
	State   *Sub     `json:"state,omitempty"`
	Job     *JobInfo `json:"job,omitempty"`

	Trigger *Trigger `json:"trigger,omitempty"`
	Root    *Root    `json:"root,omitempty"`
	// FailedDependency is the unit whose failure gave this job its result dependency; where
	// the cause has no trigger of its own, it is the Trigger too.
	FailedDependency *Trigger   `json:"failed_dependency,omitempty"`
	Requester        *Requester `json:"requester,omitempty"`

	WillRestart    *bool    `json:"will_restart,omitempty"`
	Restarts       *uint32  `json:"restarts,omitempty"`
	RecentRestarts int      `json:"recent_restarts,omitempty"`
	InvocationID   string   `json:"invocation_id,omitempty"`
	UptimeS        *float64 `json:"uptime_s,omitempty"`
	Log            []string `json:"log,omitempty"`

	Severity    Severity   `json:"severity"`
	Tags        []string   `json:"tags"`
	Description string     `json:"description"`
	Evidence    []Evidence `json:"evidence,omitempty"`
	Missing     []string   `json:"missing,omitempty"`
}

// Exit is the process exit that triggered or failed the job.
type Exit struct {
	Code    string `json:"code"` // exited, killed, dumped
	Status  *int   `json:"status,omitempty"`
	Name    string `json:"name,omitempty"`    // the exit status's name, such as EXEC or NOTIMPLEMENTED
	Signal  string `json:"signal,omitempty"`  // such as SIGSEGV
	Command string `json:"command,omitempty"` // such as ExecStart
}

// Sub is a unit's state at the instant its job was removed or its run ended.
type Sub struct {
	Active string `json:"active"`
	Sub    string `json:"sub"`
}

// JobInfo is the job behind an event.
type JobInfo struct {
	ID     uint32 `json:"id"`
	Type   string `json:"type,omitempty"`
	Result string `json:"result,omitempty"`
	// DurationS is JobNew to JobRemoved in seconds of CLOCK_MONOTONIC.
	DurationS    *float64 `json:"duration_s,omitempty"`
	Attempts     int      `json:"attempts,omitempty"`
	SupersededBy uint32   `json:"superseded_by,omitempty"`
}

// Trigger is the unit behind the cause.
type Trigger struct {
	Unit string `json:"unit"`
	// Relation is a trigger's type (timer, socket …), a dependency's name (PartOf …), or
	// automation's "cgroup".
	Relation string `json:"relation,omitempty"`
	JobID    uint32 `json:"job_id,omitempty"`
}

// Root is the far end of a chain of causes.
type Root struct {
	Unit  string `json:"unit"`
	Cause Cause  `json:"cause"`
}

// Requester is the process that asked.
type Requester struct {
	PID       int      `json:"pid,omitempty"`
	Comm      string   `json:"comm,omitempty"`
	Cmdline   string   `json:"cmdline,omitempty"`
	UID       *uint32  `json:"uid,omitempty"`
	User      string   `json:"user,omitempty"`
	LoginUser string   `json:"login_user,omitempty"`
	Unit      string   `json:"unit,omitempty"`
	Via       []string `json:"via,omitempty"`
}

// Evidence is one piece of proof.
type Evidence struct {
	Source string `json:"source"` // journal, dbus, proc
	Cursor string `json:"cursor,omitempty"`
	Says   string `json:"says"`
}

func ptr[T any](v T) *T { return &v }
