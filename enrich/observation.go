package enrich

import "strings"

// Kind says what an Observation is about, and so which of its fields are set.
type Kind string

const (
	// KindStart opens every stream and recording: Host is set.
	KindStart Kind = "start"
	// KindTick says only what time it is: Mono and Time are set.
	KindTick Kind = "tick"
	// KindWitness says that a witness came up, went away or lost something: Witness is set.
	KindWitness Kind = "witness"
	// KindJobNew is Manager.JobNew: Job.ID and Unit are set (the signal has no job type).
	KindJobNew Kind = "job-new"
	// KindJobRemoved is Manager.JobRemoved: Job.ID, Job.Result and Unit are set.
	KindJobRemoved Kind = "job-removed"
	// KindJobType is a job's type as read from the bus: Job.ID, Job.Type and Unit are
	// set. A restart job reads as start once its stop half is over (evidence §1.4).
	KindJobType Kind = "job-type"
	// KindUnit is one flush of a unit's PropertiesChanged: Unit, State and, where the
	// type's interface was part of the flush, Process are set.
	KindUnit Kind = "unit"
	// KindUnitNew and KindUnitRemoved are the Manager's signals: Unit is set.
	KindUnitNew     Kind = "unit-new"
	KindUnitRemoved Kind = "unit-removed"
	// KindConfig is a unit's configuration, read on request (Correlator.Wants): Unit and Config are set.
	KindConfig Kind = "config"
	// KindTriggers is what a timer, path, socket or automount triggers, read on request: Unit and
	// Config.Deps["Triggers"] are set, nothing else of its configuration.
	KindTriggers Kind = "triggers"
	// KindReloading is Manager.Reloading: Active says whether it begins or has ended.
	KindReloading Kind = "reloading"
	// KindStartup is Manager.StartupFinished: the boot is over.
	KindStartup Kind = "startup-finished"
	// KindClients is one scan of /proc for clients of systemd, made for the JobNews
	// numbered in Jobs: Clients may be empty, which is evidence too. With Known no scan was made:
	// Clients were met by an earlier one, name the jobs' units and still waited.
	KindClients Kind = "clients"
	// KindEntry is one journal entry: Entry is set.
	KindEntry Kind = "entry"
	// KindListing is ListUnits and ListJobs at a (re)connect or after a reload: Listing is set.
	KindListing Kind = "listing"
	// KindLog answers Correlator.Wants: Unit and Log are set; no lines is an answer too.
	KindLog Kind = "log"
)

// An Observation is one thing a witness said. It holds values only, so it
// round-trips through JSON: a recording is a file of observations, one a line.
type Observation struct {
	Kind Kind `json:"kind"`
	// Time is when it was received, in µs since the epoch (CLOCK_REALTIME).
	Time int64 `json:"t,omitempty"`
	// Mono is when it was received, in µs of CLOCK_MONOTONIC; the same clock as
	// systemd's *TimestampMonotonic properties.
	Mono int64 `json:"m,omitempty"`

	Unit    string   `json:"unit,omitempty"`
	Active  bool     `json:"active,omitempty"`
	Job     Job      `json:"job,omitzero"`
	State   State    `json:"state,omitzero"`
	Process Process  `json:"process,omitzero"`
	Config  Config   `json:"config,omitzero"`
	Entry   Entry    `json:"entry,omitzero"`
	Host    Host     `json:"host,omitzero"`
	Witness Witness  `json:"witness,omitzero"`
	Jobs    []uint32 `json:"jobs,omitempty"`
	Clients []Client `json:"clients,omitempty"`
	Known   bool     `json:"known,omitempty"`
	Listing []Listed `json:"listing,omitempty"`
	Log     Log      `json:"log,omitzero"`
	// Options are the correlator's, recorded with KindStart so that a replay uses the same.
	Options Options `json:"options,omitzero"`
}

// Log is the last lines that the processes of one invocation wrote, oldest first.
type Log struct {
	Invocation string   `json:"invocation,omitempty"`
	Lines      []string `json:"lines,omitempty"`
}

// Host names the machine, boot and manager that the observations that follow are about.
type Host struct {
	Name   string `json:"name,omitempty"`
	BootID string `json:"boot_id,omitempty"` // 32 hex digits
	// Manager is "system" or "user-UID-PID".
	Manager string `json:"manager,omitempty"`
	// Systemd is the Manager's Version property, such as "252.39-1~deb12u2"; empty when unknown.
	Systemd string `json:"systemd,omitempty"`
	// Container says that systemd runs in a container (Manager's Virtualization property is one).
	Container bool `json:"container,omitempty"`
	// Finished is the Manager's FinishTimestampMonotonic when asked, µs; 0 while it still boots.
	Finished int64 `json:"finished,omitempty"`
}

// User says whether the manager is a user's, not the system's.
func (h Host) User() bool { return strings.HasPrefix(h.Manager, "user-") }

// home is the unit under which journald counts what the manager logs.
func (h Host) home() string {
	if uid, _, ok := strings.Cut(strings.TrimPrefix(h.Manager, "user-"), "-"); ok && h.User() {
		return "user@" + uid + ".service"
	}
	return "init.scope"
}

// Names of witnesses.
const (
	WitnessBus     = "dbus"
	WitnessJournal = "journal"
	WitnessProc    = "proc"
)

// Witness is a source's own state. A source announces Up once it follows live,
// Up=false when it is away, and Lost when it knows that something is missing.
type Witness struct {
	Name string `json:"name,omitempty"`
	Up   bool   `json:"up,omitempty"`
	// Lost counts what is known to be lost since the last word (signals, entries); -1 is
	// "some, number unknown".
	Lost int `json:"lost,omitempty"`
	// Since is the source's monotonic time, µs, from which on it saw everything; 0: from now on.
	Since int64 `json:"since,omitempty"`
	// Why says in words what happened, for people.
	Why string `json:"why,omitempty"`
}

// Job is what a job signal, or the bus, says of a job.
type Job struct {
	ID     uint32 `json:"id,omitempty"`
	Type   string `json:"type,omitempty"`
	Result string `json:"result,omitempty"`
}

// State is a unit's org.freedesktop.systemd1.Unit properties at the instant of a
// flush. Timestamps are µs of CLOCK_MONOTONIC unless said otherwise; 0 is never.
type State struct {
	Active     string `json:"active,omitempty"` // ActiveState
	Sub        string `json:"sub,omitempty"`    // SubState
	Job        uint32 `json:"job,omitempty"`    // Job: the id of its job slot, 0 for none
	Invocation string `json:"invocation,omitempty"`

	Changed       int64 `json:"changed,omitempty"`      // StateChangeTimestampMonotonic
	ChangedTime   int64 `json:"changed_time,omitempty"` // StateChangeTimestamp, CLOCK_REALTIME
	InactiveExit  int64 `json:"inactive_exit,omitempty"`
	ActiveEnter   int64 `json:"active_enter,omitempty"`
	ActiveExit    int64 `json:"active_exit,omitempty"`
	InactiveEnter int64 `json:"inactive_enter,omitempty"`

	// Condition and Assert are the last results; ConditionAt and AssertAt when they were checked.
	Condition   bool  `json:"condition,omitempty"`
	ConditionAt int64 `json:"condition_at,omitempty"`
	Assert      bool  `json:"assert,omitempty"`
	AssertAt    int64 `json:"assert_at,omitempty"`
}

// Process is what the type's own interface (Service, Timer, Socket, Path, Mount,
// Swap, Scope, Automount) says in the same flush; what that type has not stays zero.
type Process struct {
	// Iface is the interface's last word in lower case: "service", "timer", …
	Iface        string `json:"iface,omitempty"`
	Result       string `json:"result,omitempty"`
	ReloadResult string `json:"reload_result,omitempty"`
	Restarts     uint32 `json:"restarts,omitempty"` // NRestarts
	MainPID      uint32 `json:"main_pid,omitempty"`
	ControlPID   uint32 `json:"control_pid,omitempty"`
	ExecPID      uint32 `json:"exec_pid,omitempty"`    // ExecMainPID
	ExecCode     int32  `json:"exec_code,omitempty"`   // ExecMainCode: 0 none, 1 exited, 2 killed, 3 dumped (CLD_*)
	ExecStatus   int32  `json:"exec_status,omitempty"` // ExecMainStatus: exit status or signal number
	ExecStart    int64  `json:"exec_start,omitempty"`  // ExecMainStartTimestampMonotonic
	ExecExit     int64  `json:"exec_exit,omitempty"`   // ExecMainExitTimestampMonotonic
	// LastTrigger is a timer's LastTriggerUSecMonotonic.
	LastTrigger int64 `json:"last_trigger,omitempty"`
}

// Listed is one row of ListUnits, with its job from ListJobs.
type Listed struct {
	Unit    string `json:"u"`
	Active  string `json:"a,omitempty"`
	Sub     string `json:"s,omitempty"`
	Job     uint32 `json:"j,omitempty"`
	JobType string `json:"jt,omitempty"`
}

// Config is what of a unit's configuration bears on causes. It is valid until
// the manager reloads.
type Config struct {
	// Names are the unit's names, aliases included.
	Names []string `json:"names,omitempty"`
	// Deps are the dependency properties that are not empty, under systemd's own
	// names (PartOf, RequiredBy, TriggeredBy, OnFailureOf …).
	Deps map[string][]string `json:"deps,omitempty"`
	// Type is a service's Type=, Restart its Restart=, RestartMode its RestartMode= (254+), BusName its BusName=.
	Type        string `json:"type,omitempty"`
	Restart     string `json:"restart,omitempty"`
	RestartMode string `json:"restart_mode,omitempty"`
	BusName     string `json:"bus_name,omitempty"`
	// LogLevelMax is the unit's LogLevelMax= as a syslog level, -1 where unset or
	// absent. Below 6 (info), most of PID 1's entries about the unit are dropped.
	LogLevelMax      int  `json:"log_level_max,omitempty"`
	RemainAfterExit  bool `json:"remain_after_exit,omitempty"`
	StopWhenUnneeded bool `json:"stop_when_unneeded,omitempty"`
	Transient        bool `json:"transient,omitempty"`
	CanReload        bool `json:"can_reload,omitempty"`
	// Failed says why the configuration could not be read; the rest is then empty.
	Failed string `json:"failed,omitempty"`
}

// Client is a process, alive at a JobNew, that may have asked for jobs.
type Client struct {
	PID  int    `json:"pid"`
	Comm string `json:"comm,omitempty"`
	// Cmdline is the command line, bounded to 512 bytes, secrets masked.
	Cmdline string `json:"cmdline,omitempty"`
	UID     uint32 `json:"uid"`
	User    string `json:"user,omitempty"`
	// LoginUID is the audit login uid; 4294967295 when never logged in.
	LoginUID  uint32 `json:"login_uid"`
	LoginUser string `json:"login_user,omitempty"`
	// Unit is the unit of its cgroup (sshd.service, session-3.scope, cron.service), Slice
	// the whole cgroup path.
	Unit   string `json:"unit,omitempty"`
	Cgroup string `json:"cgroup,omitempty"`
	// Via are its ancestors' comms, nearest first, PID 1 left out.
	Via []string `json:"via,omitempty"`
	// Started is when it started, µs of CLOCK_MONOTONIC (from /proc/PID/stat starttime, 10 ms steps).
	Started int64 `json:"started,omitempty"`
	// Verb is what it asks for: systemctl's own verb ("restart", "reload-or-restart",
	// "isolate", "poweroff" …), "run" for systemd-run, "call" for a bus call; Units the unit
	// names and globs it names, already mangled as systemctl does ("nginx" → "nginx.service").
	Verb  string   `json:"verb,omitempty"`
	Units []string `json:"units,omitempty"`
}
