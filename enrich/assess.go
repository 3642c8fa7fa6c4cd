package enrich

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// assess says how a run ended by itself, and why: the failure is systemd's own
// word for it, the cause is a client's if one sent the signal.
func (c *Correlator) assess(x *exit) ended {
	e := ended{time: x.endTime, mono: x.end, invocation: x.invocation}
	e.exit = exitOf(x.loose, x.process, x.started)
	e.failure = failureOf(x.loose, x.closing, x.process, x.fromBus)
	if e.failure == "" && x.closing == nil && x.state.Active == "failed" {
		e.failure = "unknown"
	}
	e.cause = c.causeOfEnd(x, e)
	return e
}

func (c *Correlator) causeOfEnd(x *exit, e ended) Cause {
	own := CauseCleanExit
	if e.failure != "" {
		own = CauseCrash
	}
	switch {
	case killedByClient(x.loose, e) != nil:
		return CauseManual
	case x.closing != nil || c.entryTime > x.wordTime && c.saw(WitnessJournal, x.seenAt) || c.silenced(x.unit):
		return own
	case own == CauseCrash && !maybeSentByClient(e.exit):
		return own
	case kind(x.unit.name) == "device":
		return own // it has no process to kill, and the journal never tells of it
	case c.endsQuietly(x, e.failure) && c.saw(WitnessJournal, x.seenAt) && c.mono-x.seenAt >= c.opt.Deadline:
		return own // as long as any evidence is waited for, the journal told of no client's signal
	}
	return CauseUnknown // a client's kill is logged at INFO; without the journal it cannot be excluded
}

// silenced says whether the unit's own LogLevelMax= keeps PID 1's INFO entries about it away.
func (c *Correlator) silenced(u *unit) bool {
	return u.readable() && u.config.LogLevelMax >= 0 && u.config.LogLevelMax < 6 && hasExec(kind(u.name))
}

func hasExec(kind string) bool {
	return kind == "service" || kind == "socket" || kind == "mount" || kind == "swap"
}

// maybeSentByClient: an exit that "systemctl kill" can well have brought about.
func maybeSentByClient(x *Exit) bool {
	if x == nil {
		return true
	}
	switch x.Signal {
	case "SIGTERM", "SIGKILL", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGPIPE":
		return true
	}
	return false
}

// clientKillWindow is how long before its end a client's signal may have been
// sent to count as what ended a run, µs.
const clientKillWindow = 90 * 1_000_000

// killedByClient finds the client's signal ("systemctl kill") that ended a run.
// PID 1 logs it without an id: "Sent signal SIGTERM to main process 12 (x) on
// client request." (252), "Sending …", "Killed unit cgroup with …" (257+).
func killedByClient(entries []Entry, e ended) *Entry {
	return looseLike(entries, func(en Entry) bool {
		if !isClientKill(en) {
			return false
		}
		if e.time != 0 && e.time-en.Time > clientKillWindow {
			return false
		}
		return signalFits(en.Message, e)
	})
}

func isClientKill(e Entry) bool {
	return strings.HasSuffix(e.Message, "on client request.") && strings.Contains(e.Message, "SIG")
}

// signalFits: the run died of that very signal, or ended as a process does that
// was asked to end.
func signalFits(message string, e ended) bool {
	i := strings.Index(message, "SIG")
	name, _, _ := strings.Cut(message[i:], " ")
	name = strings.TrimRight(name, ".,")
	if e.exit != nil && e.exit.Signal != "" {
		return e.exit.Signal == name
	}
	switch name {
	case "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL":
		return true
	}
	return false
}

// isStartLimit knows PID 1's refusal, which has no id; its result is that of the
// run before on 252 and 257 (systemd#32203).
func isStartLimit(e Entry) bool {
	return strings.HasPrefix(lastClause(e), "Start request repeated too quickly")
}

// lastClause is the message without the "unit: " that PID 1 puts before it.
func lastClause(e Entry) string {
	return strings.TrimPrefix(e.Message, e.Unit+": ")
}

// failureOf is systemd's word for what failed: the entry's UNIT_RESULT, else the
// Result property of the last flush.
func failureOf(loose []Entry, closing *Entry, p Process, bus bool) string {
	if looseLike(loose, isStartLimit) != nil {
		return "start-limit-hit"
	}
	if e := looseLike(loose, isResult); e != nil {
		closing = e
	}
	switch {
	case closing != nil && closing.MessageID == MsgFailureResult && closing.Result != "":
		return closing.Result
	case closing != nil && closing.MessageID == MsgSkipped:
		return cmp.Or(closing.Result, "exec-condition")
	case closing != nil && closing.MessageID == MsgSuccess:
		return ""
	case bus && p.Result != "" && p.Result != "success":
		return p.Result
	}
	return ""
}

func isResult(e Entry) bool {
	return e.MessageID == MsgFailureResult || e.MessageID == MsgSuccess || e.MessageID == MsgSkipped
}

// provesEnd says whether an entry shows how a run or a start ended.
func provesEnd(e Entry) bool {
	return e.MessageID == MsgProcessExit || isResult(e) || isStartLimit(e) || e.MessageID == MsgSpawnFailed
}

// exitOf is the process exit behind an end: the journal names the command and
// the first that failed, the bus only the main process.
func exitOf(loose []Entry, p Process, since int64) *Exit {
	if e := firstExit(loose); e != nil {
		return exitFromEntry(*e)
	}
	if p.Iface != "service" || p.ExecCode == 0 || p.ExecExit == 0 || p.ExecExit < since {
		return nil
	}
	x := &Exit{Code: codeNames[p.ExecCode], Command: "ExecStart"}
	if x.Code == "" {
		return nil
	}
	x.set(int(p.ExecStatus))
	return x
}

var codeNames = map[int32]string{1: "exited", 2: "killed", 3: "dumped"}

// firstExit is the exit that the result is about: the first that failed, else
// the first at all.
func firstExit(loose []Entry) *Entry {
	exits := slices.DeleteFunc(slices.Clone(loose), func(e Entry) bool { return e.MessageID != MsgProcessExit })
	for i, e := range exits {
		if e.ExitCode != "exited" || e.ExitStatus != "0" {
			return &exits[i]
		}
	}
	if len(exits) > 0 {
		return &exits[0]
	}
	return nil
}

func exitFromEntry(e Entry) *Exit {
	x := &Exit{Code: e.ExitCode, Command: e.Command}
	if x.Command == "n/a" {
		x.Command = "" // what a mount or swap says, that has forgotten by then (mount_sigchld_event, mount.c)
	}
	if n, err := strconv.Atoi(e.ExitStatus); err == nil {
		x.set(n)
	}
	return x
}

// set names an exit status or a signal number.
func (x *Exit) set(n int) {
	if x.Code == "exited" {
		x.Status, x.Name = &n, statusNames[n]
		return
	}
	x.Signal = signalName(n)
	x.Status = &n
}
