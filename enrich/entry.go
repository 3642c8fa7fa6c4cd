package enrich

// Sources of journal entries. Only a trusted origin (_PID, _SYSTEMD_CGROUP, _UID,
// _COMM, which journald itself sets) gives an entry its source.
const (
	SourceManager  = "systemd"  // PID 1 (or the user manager) itself
	SourceChild    = "child"    // a child that PID 1 forked and that failed before exec
	SourceCoredump = "coredump" // systemd-coredump
	SourceOomd     = "oomd"
	SourceKernel   = "kernel"
	SourceLogind   = "logind"
	SourceBus      = "dbus" // dbus-daemon: "Activating via systemd …"
	SourceSudo     = "sudo" // sudo: "… COMMAND=/usr/bin/systemctl restart X"
	SourceJournald = "journald"
	SourceUnit     = "unit"  // a line the unit's own processes logged
	SourceVerdict  = "sdwhy" // an event that sdwhy itself wrote back
)

// Message ids that PID 1 and its helpers use, the same in 252, 257 and 262
// (systemd src/systemd/sd-messages.h).
const (
	MsgStarting         = "7d4958e842da4a758f6c1cdc7b36dcc5"
	MsgStopping         = "de5b426a63be47a7b6ac3eaac82e2f6f"
	MsgReloading        = "d34d037fff1847e6ae669a370e694725"
	MsgStarted          = "39f53479d3a045ac8e11786248231fbf"
	MsgFailed           = "be02cf6855d2428ba40df7e9d022f03d"
	MsgStopped          = "9d1aaa27d60140bd96365438aad20286"
	MsgReloaded         = "7b05ebc668384222baa8881179cfda54"
	MsgProcessExit      = "98e322203f7a4ed290d09fe03c09fe15"
	MsgFailureResult    = "d9b373ed55a64feb8242e02dbe79a49c"
	MsgSuccess          = "7ad2d189f7e94e70a38c781354912448"
	MsgSkipped          = "0e4284a0caca4bfc81c0bb6786972673"
	MsgRestartScheduled = "5eb03494b6584870a536b337290809b3"
	MsgResources        = "ae8f7b866b0347b9af31fe1c80b127c0"
	MsgOutOfMemory      = "fe6faa94e7774663a0da52717891d8ef"
	MsgOomdKill         = "d989611b15e44c9dbf31e3c81256e4ed"
	MsgSpawnFailed      = "641257651c1b4ec9a8624d7a40a9e1e7"
	MsgStartupFinished  = "b07a249cd024414a82dd00cd181378ff"
	MsgUserStartup      = "eed00a68ffd84e31882105fd973abdd1"
	MsgCoredump         = "fc2e22bc6ee647b6b90729ab34a250b1"
	MsgShutdown         = "98268866d1d54a499c4e98921d93bc40"
	MsgJournalStart     = "f77379a8490b408bbe5f6940505a777b"
	MsgJournalDropped   = "a596d6fe7bfa4994828e72309e95d61e"
	// MsgVerdict is sdwhy's own: an event written back to the journal.
	MsgVerdict = "5d6c2a1b8f0e4e0f9a4c7f3b2e6d9c01"
)

// An Entry is one journal entry, cut down to what bears on causes. Absent fields
// are zero. Every string is bounded by the reader (512 bytes; Message too).
type Entry struct {
	Cursor string `json:"cursor,omitempty"`
	Source string `json:"source,omitempty"`
	// Time is when it was logged, µs since the epoch: _SOURCE_REALTIME_TIMESTAMP,
	// else __REALTIME_TIMESTAMP.
	Time int64 `json:"time,omitempty"`
	// Mono is journald's __MONOTONIC_TIMESTAMP, µs: a little later than Time.
	Mono int64 `json:"mono,omitempty"`
	// BootID is set only where it differs from the stream's Host.BootID.
	BootID string `json:"boot_id,omitempty"`

	MessageID string `json:"id,omitempty"`
	Message   string `json:"message,omitempty"`
	Priority  int    `json:"priority,omitempty"`
	Func      string `json:"func,omitempty"` // CODE_FUNC
	PID       int    `json:"pid,omitempty"`  // _PID

	Unit       string `json:"unit,omitempty"`       // UNIT or USER_UNIT; COREDUMP_UNIT; for SourceUnit _SYSTEMD_UNIT
	Invocation string `json:"invocation,omitempty"` // INVOCATION_ID or USER_INVOCATION_ID; for SourceUnit _SYSTEMD_INVOCATION_ID
	Job        uint32 `json:"job,omitempty"`        // JOB_ID
	JobType    string `json:"job_type,omitempty"`   // JOB_TYPE
	JobResult  string `json:"job_result,omitempty"` // JOB_RESULT

	ExitCode   string `json:"exit_code,omitempty"`   // EXIT_CODE: exited, killed, dumped
	ExitStatus string `json:"exit_status,omitempty"` // EXIT_STATUS: status or signal number
	Command    string `json:"command,omitempty"`     // COMMAND: ExecStart, ExecReload …
	Result     string `json:"result,omitempty"`      // UNIT_RESULT
	Restarts   string `json:"restarts,omitempty"`    // N_RESTARTS

	// Fields are those of other sources, under their own names (COREDUMP_PID,
	// COREDUMP_SIGNAL_NAME, SHUTDOWN, N_DROPPED, SDWHY_EVENT …).
	Fields map[string]string `json:"fields,omitempty"`
}
