package journal

import (
	"strings"

	"sdwhy/enrich"
)

// daemonLine is a line of a helper daemon, known by its unit.
func (d decoder) daemonLine(e *enrich.Entry, r *record) bool {
	comm := r.fields[fComm]
	switch unit := r.fields[fOwnUnit]; {
	case unit == "systemd-oomd.service":
		return oomdLine(e)
	case unit == "systemd-logind.service", e.MessageID == msgSleepStart, e.MessageID == msgSleepStop:
		return logindLine(e, r)
	case r.fields[d.manager.ownUnit()] == "dbus.service" && comm == "dbus-daemon":
		return busLine(e)
	case comm == "sudo" || comm == "sudo-rs":
		return sudoLine(e, r)
	}
	return false
}

// journaldLine is what journald says of itself; only it has the transport "driver".
func journaldLine(e *enrich.Entry, r *record) bool {
	e.Source = enrich.SourceJournald
	e.Fields = pick(r, fDropped)
	if e.MessageID == enrich.MsgJournalDropped {
		// "Suppressed 34 messages from init.scope"
		_, e.Unit, _ = strings.Cut(e.Message, " messages from ")
	}
	return e.MessageID == enrich.MsgJournalDropped || e.MessageID == enrich.MsgJournalStart
}

// kernelLine passes the OOM killer's lines, and those of PID 1 that journald
// got by /dev/kmsg, which root alone can write: they have no fields but the text.
func kernelLine(e *enrich.Entry, r *record) bool {
	switch r.fields[fIdentifier] {
	case "systemd":
		e.Source, e.Fields = enrich.SourceManager, pick(r, fTransport)
		return true
	case "kernel":
		e.Source, e.Fields = enrich.SourceKernel, oomFields(e.Message)
		e.Unit = unitOf(e.Fields["task_memcg"])
	}
	return e.Fields != nil
}

// oomFields reads the kernel's two lines of an OOM kill (mm/oom_kill.c); nil
// when it is another line:
//
//	oom-kill:constraint=CONSTRAINT_MEMCG,…,task_memcg=/system.slice/x.service,task=x,pid=7,uid=0
//	Memory cgroup out of memory: Killed process 7 (x) total-vm:…
func oomFields(line string) map[string]string {
	if rest, ok := strings.CutPrefix(line, "oom-kill:"); ok {
		return pairs(rest, ",", "constraint", "oom_memcg", "task_memcg", "task", "pid", "uid")
	}
	_, rest, ok := strings.Cut(line, "ut of memory: Killed process ")
	if !ok || !strings.HasPrefix(line, "Out of") && !strings.HasPrefix(line, "Memory cgroup out of") {
		return nil
	}
	pid, rest, _ := strings.Cut(rest, " (")
	task, _, _ := strings.Cut(rest, ")")
	return map[string]string{"pid": pid, "task": task}
}

// oomdLine is "Killed CGROUP due to memory pressure …" ("Marked …" from 262).
func oomdLine(e *enrich.Entry) bool {
	verb, rest, _ := strings.Cut(e.Message, " ")
	if verb != "Killed" && verb != "Marked" {
		return false
	}
	cgroup, _, _ := strings.Cut(rest, " ")
	e.Source, e.Unit = enrich.SourceOomd, unitOf(cgroup)
	e.Fields = map[string]string{"cgroup": cgroup}
	return true
}

// logindLine passes shutdown and sleep, and from 262 who asked for it. Sleep is
// logged by systemd-sleep, as root.
func logindLine(e *enrich.Entry, r *record) bool {
	sleep := e.MessageID == msgSleepStart || e.MessageID == msgSleepStop
	if r.fields[fOwnUnit] != "systemd-logind.service" && (!sleep || r.fields[fUID] != "0") {
		return false
	}
	e.Source, e.Fields = enrich.SourceLogind, pick(r, fShutdown, fSleep)
	return sleep || e.MessageID == enrich.MsgShutdown || strings.Contains(e.Message, " requested from client ")
}

// busLine is dbus-daemon's: "[system] Activating via systemd: service name='N'
// unit='U' requested by ':1.5' (uid=0 pid=7 comm="…")", "… Successfully
// activated service 'N'" or "… Failed to activate service 'N': …".
func busLine(e *enrich.Entry) bool {
	e.Source, e.Fields = enrich.SourceBus, map[string]string{}
	set := func(name, before, after string) {
		if v := between(e.Message, before, after); v != "" {
			e.Fields[name] = v
		}
	}
	set("name", "activate service '", "'")
	set("name", "activated service '", "'")
	if strings.Contains(e.Message, "Activating via systemd: ") {
		set("name", "service name='", "'")
		set("uid", "(uid=", " ")
		set("pid", " pid=", " ")
		set("comm", `comm="`, `"`)
		e.Unit = between(e.Message, " unit='", "'")
	}
	e.Message = mask(e.Message)
	if c, ok := e.Fields["comm"]; ok {
		e.Fields["comm"] = mask(c)
	}
	return e.Fields["name"] != ""
}

// unitOf gives the system unit of a cgroup path: its first part that is a
// service, scope, mount, swap or socket.
func unitOf(cgroup string) string {
	for part := range strings.SplitSeq(cgroup, "/") {
		part = strings.TrimPrefix(part, "_")
		for _, suffix := range []string{".service", ".scope", ".mount", ".swap", ".socket"} {
			if strings.HasSuffix(part, suffix) {
				return part
			}
		}
	}
	return ""
}

// between gives what stands in s after the first before and up to after.
func between(s, before, after string) string {
	_, s, ok := strings.Cut(s, before)
	if !ok {
		return ""
	}
	s, _, ok = strings.Cut(s, after)
	if !ok {
		return ""
	}
	return s
}

// pairs reads the wanted ones of KEY=value parts.
func pairs(s, separator string, wanted ...string) map[string]string {
	fields := make(map[string]string, len(wanted))
	for part := range strings.SplitSeq(s, separator) {
		key, value, _ := strings.Cut(part, "=")
		for _, w := range wanted {
			if key == w && value != "" {
				fields[key] = value
			}
		}
	}
	return fields
}
