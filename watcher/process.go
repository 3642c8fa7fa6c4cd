package watcher

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sdwhy/enrich"
)

// maxCmdline bounds a command line that is told.
const maxCmdline = 512

// A process is one that may be a client, with its ancestors' pids.
type process struct {
	enrich.Client
	ino     uint64 // of its entry in /proc
	parents []int
	proxy   bool // a script that runs systemctl for somebody
}

// process reads a process whose comm is a client's. It reports false when its command line
// asks for nothing, or asks another manager than the one watched.
func (t *table) process(pid int, line []byte) (process, bool) {
	s, ok := parseStat(t.read(pid, "stat"))
	if !ok {
		return process{}, false
	}
	args := splitArgs(line)
	ask, ok := parseArgs(s.comm, args)
	if !ok || ask.user != t.user {
		return process{}, false
	}
	st, ok := parseStatus(t.read(pid, "status"))
	if !ok || st.nested || t.user && !t.asksUs(ask, st.uid) {
		return process{}, false
	}
	p := process{proxy: ask.proxy}
	p.Client = enrich.Client{
		PID: pid, Comm: s.comm, Cmdline: cmdline(args),
		UID: st.uid, User: t.users.name(st.uid), LoginUID: noLogin,
		Started: started(s.start), Verb: ask.verb, Units: ask.units,
	}
	if id, err := strconv.ParseUint(string(t.read(pid, "loginuid")), 10, 32); err == nil {
		p.LoginUID = uint32(id)
	}
	if p.LoginUID != noLogin {
		p.LoginUser = t.users.name(p.LoginUID)
	}
	p.Cgroup = cgroupPath(t.read(pid, "cgroup"))
	p.Unit = cgroupUnit(p.Cgroup)
	p.Via, p.parents = t.ancestors(s.parent)
	return p, true
}

// asksUs says whether a client of a user's manager, running as uid, asks the one watched:
// its own, or that of the user whom --machine names.
func (t *table) asksUs(a ask, uid uint32) bool {
	if a.who == "" {
		return uid == t.uid.Load()
	}
	return t.users.name(t.uid.Load()) == a.who || strconv.FormatUint(uint64(t.uid.Load()), 10) == a.who
}

// ancestors gives the comms and pids from a parent up, PID 1 left out.
func (t *table) ancestors(pid int) (comms []string, pids []int) {
	for pid > 1 && len(pids) < maxAncestors {
		s, ok := parseStat(t.read(pid, "stat"))
		if !ok {
			break
		}
		comms, pids = append(comms, s.comm), append(pids, pid)
		pid = s.parent
	}
	return comms, pids
}

// choose leaves out the scripts of which a child is a client itself.
func choose(found []process) []process {
	return slices.DeleteFunc(slices.Clone(found), func(p process) bool { return p.proxy && hasChild(found, p.PID) })
}

// clientsOf are the processes as they are told.
func clientsOf(found []process) []enrich.Client {
	var out []enrich.Client
	for _, p := range found {
		out = append(out, p.Client)
	}
	return out
}

func hasChild(found []process, pid int) bool {
	for _, p := range found {
		for _, parent := range p.parents {
			if parent == pid && !p.proxy {
				return true
			}
		}
	}
	return false
}

// A stat is what is wanted of /proc/PID/stat.
type stat struct {
	comm   string
	parent int
	start  int64 // clock ticks after boot
}

// parseStat reads /proc/PID/stat (man proc_pid_stat). The comm is in brackets and
// may hold anything, brackets and spaces too, so it ends at the last one.
func parseStat(b []byte) (stat, bool) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return stat{}, false
	}
	f := bytes.Fields(b[end+1:]) // from field 3, the state, on
	if len(f) < 20 {
		return stat{}, false
	}
	parent, err1 := strconv.Atoi(string(f[1]))
	start, err2 := strconv.ParseInt(string(f[19]), 10, 64)
	return stat{string(b[open+1 : end]), parent, start}, err1 == nil && err2 == nil
}

// started turns clock ticks after boot (USER_HZ is 100 on all that Linux runs on) into µs
// of CLOCK_MONOTONIC, which, unlike the ticks, stands still during suspend.
func started(ticks int64) int64 {
	suspended := (clockNanos(unix.CLOCK_BOOTTIME) - monotonic()) / 1000
	return max(0, ticks*10_000-suspended)
}

const noLogin = ^uint32(0)

// A status is what is wanted of /proc/PID/status.
type status struct {
	uid    uint32 // effective
	nested bool   // it lives in a pid namespace below ours: another manager's client
}

// parseStatus reads the Uid and NSpid lines (man proc_pid_status).
func parseStatus(b []byte) (status, bool) {
	var s status
	found := false
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		switch {
		case len(f) == 5 && string(f[0]) == "Uid:":
			id, err := strconv.ParseUint(string(f[1]), 10, 32)
			s.uid, found = uint32(id), err == nil
		case len(f) > 2 && string(f[0]) == "NSpid:":
			s.nested = true
		}
	}
	return s, found
}

// splitArgs splits /proc/PID/cmdline.
func splitArgs(b []byte) []string {
	b = bytes.TrimRight(b, "\x00")
	if len(b) == 0 {
		return nil
	}
	return strings.Split(string(b), "\x00")
}

// cmdline joins arguments with secrets masked, at most maxCmdline bytes of valid UTF-8.
func cmdline(args []string) string {
	args = args[:min(len(args), maxCmdline)] // each is a byte or more, with its space
	s := strings.ToValidUTF8(strings.Join(mask(args), " "), "\uFFFD")
	s = strings.Map(printable, s)
	if len(s) <= maxCmdline {
		return s
	}
	return strings.ToValidUTF8(s[:maxCmdline-3], "") + "…"
}

// printable keeps control characters out of what people read on a terminal.
func printable(r rune) rune {
	if r < ' ' || 0x7f <= r && r < 0xa0 {
		return ' '
	}
	return r
}

// users knows users' names from /etc/passwd: a look-up through NSS could wait for a network.
type users struct {
	file  string // instead of /etc/passwd, for tests
	at    time.Time
	names map[uint32]string
}

// name gives a uid's name, "" for an unknown one. The file is read again when it changed.
func (u *users) name(uid uint32) string {
	file := u.file
	if file == "" {
		file = "/etc/passwd"
	}
	if info, err := os.Stat(file); err == nil && !info.ModTime().Equal(u.at) {
		b, _ := os.ReadFile(file)
		u.at, u.names = info.ModTime(), parsePasswd(b)
	}
	return u.names[uid]
}

// parsePasswd reads name:password:uid:… lines (man 5 passwd); the first name of a uid wins.
func parsePasswd(b []byte) map[uint32]string {
	names := map[uint32]string{}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(line, ":", 4)
		if len(f) < 4 {
			continue
		}
		id, err := strconv.ParseUint(f[2], 10, 32)
		if _, known := names[uint32(id)]; err == nil && !known {
			names[uint32(id)] = f[0]
		}
	}
	return names
}
