package watcher

import (
	"bytes"
	"time"
)

// fullEvery is how often a scan looks at every process.
const fullEvery = 5 * time.Second

// calm knows the processes that a scan may pass over: on a host of a thousand, reading each
// comm takes 8 ms. A process may become a client by exec, so only those are
// calm that two full scans, fullEvery apart, found to be a program of the kind that does not turn
// into another: no shell, no interpreter, nothing like sudo or env. Each full scan
// looks at the calm ones too. So what can be missed is a daemon that, seconds old, becomes systemctl
// without a fork.
type calm struct {
	at   time.Time // of the last full scan
	full bool      // this scan is one
	old  map[pid]bool
	now  map[pid]bool // being gathered by a full scan
	both map[pid]bool // found by the last two full scans
}

func (c *calm) begin(at time.Time) {
	if c.full = at.Sub(c.at) >= fullEvery; c.full {
		c.at = at
		c.now = make(map[pid]bool, len(c.old))
	}
}

// skip says whether a process need not be looked at.
func (c *calm) skip(p pid) bool { return !c.full && c.both[p] }

// saw takes note of a process' comm.
func (c *calm) saw(p pid, comm []byte) {
	if c.full && len(comm) > 0 && !execs(bytes.TrimSuffix(comm, []byte("\n"))) {
		c.now[p] = true
	}
}

func (c *calm) end() {
	if !c.full {
		return
	}
	c.both = make(map[pid]bool, len(c.now))
	for p := range c.now {
		if c.old[p] {
			c.both[p] = true
		}
	}
	c.old, c.now = c.now, nil
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
