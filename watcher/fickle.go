package watcher

import (
	"bytes"
	"time"
)

// settled is for how long a process must have been a program that does not turn into
// another, to be taken for one that stays what it is.
const settled = 5 * time.Second

// fickle holds the processes that may become a client by exec: every scan looks at them.
// The others are passed over: they were found, at two scans that are settled or more apart, to
// be a program of the kind that does not turn into another: no shell, no interpreter,
// nothing like sudo or env. A few of these are looked at by each scan, in turn. So what can
// be missed is a daemon that, seconds old, becomes systemctl without a fork.
type fickle map[int]held

// A held is a process that is looked at; since is when it was first seen not to be fickle.
type held struct {
	ino   uint64
	since time.Time
}

// add takes in a young process.
func (f fickle) add(p pid) {
	if !f.has(p) {
		f[p.pid] = held{ino: p.ino}
	}
}

func (f fickle) has(p pid) bool {
	h, ok := f[p.pid]
	return ok && h.ino == p.ino
}

func (f fickle) appendTo(pids []pid) []pid {
	for n, h := range f {
		pids = append(pids, pid{n, h.ino})
	}
	return pids
}

// saw takes note of a process' comm; one that has none is gone.
func (f fickle) saw(p pid, comm []byte, now time.Time) {
	h := f[p.pid]
	switch {
	case len(comm) == 0:
		delete(f, p.pid)
	case execs(bytes.TrimSuffix(comm, []byte("\n"))):
		f[p.pid] = held{ino: p.ino}
	case !f.has(p): // it was looked at in turn
	case h.since.IsZero():
		f[p.pid] = held{p.ino, now}
	case now.Sub(h.since) >= settled:
		delete(f, p.pid)
	}
}

// execs says whether a comm is that of a program that may go on as another one. One in
// brackets is systemd's child before its exec.
func execs(comm []byte) bool {
	for _, p := range [...]string{"(", "python", "perl", "ruby", "node", "php", "lua"} {
		if bytes.HasPrefix(comm, []byte(p)) {
			return true
		}
	}
	switch string(comm) {
	case "sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "csh", "tcsh", "busybox", "env", "sudo", "su", "doas", "runuser",
		"pkexec", "run0", "systemd-run", "setpriv", "capsh", "chroot", "unshare", "nsenter", "nohup", "nice", "ionice", "chrt", "taskset", "timeout",
		"setsid", "stdbuf", "xargs", "find", "flock", "script", "strace", "ssh", "sshd", "sshd-session", "login", "agetty", "expect", "exec":
		return true
	}
	return isClient(comm)
}
