package journal

import (
	"fmt"
	"strconv"
	"strings"
)

// A manager is whose entries are read: PID 1, or one user's manager.
type manager struct {
	user bool
	uid  string
	pid  string // "" stands for any manager of that user
}

// parseManager reads "system" (or ""), "user-UID-PID", or "user-UID" for every
// manager that the user ever had.
func parseManager(name string) (manager, error) {
	if name == "" || name == "system" {
		return manager{}, nil
	}
	parts := strings.Split(name, "-")
	if parts[0] != "user" || len(parts) < 2 || len(parts) > 3 {
		return manager{}, fmt.Errorf("manager %q: want system, user-UID-PID or user-UID", name)
	}
	for _, p := range parts[1:] {
		if _, err := strconv.ParseUint(p, 10, 32); err != nil {
			return manager{}, fmt.Errorf("manager %q: %q is not a number", name, p)
		}
	}
	m := manager{user: true, uid: parts[1]}
	if len(parts) == 3 {
		m.pid = parts[2]
	}
	return m, nil
}

// service is the system unit that a user's manager runs in.
func (m manager) service() string { return "user@" + m.uid + ".service" }

// origin are the trusted fields that every entry of the manager itself has. A
// user's manager sits in init.scope of its own tree, beside its (sd-pam), which
// _COMM tells apart.
func (m manager) origin() term {
	switch {
	case !m.user:
		return term{"_PID=1"}
	case m.pid != "":
		return term{"_SYSTEMD_UNIT=" + m.service(), "_PID=" + m.pid}
	}
	return term{"_SYSTEMD_UNIT=" + m.service(), "_SYSTEMD_USER_UNIT=init.scope", "_COMM=systemd"}
}

// wrote says whether the manager itself wrote the record: UNIT= can be set by
// any process, _PID and the cgroup's unit only by journald (evidence §4.1). It is
// what origin asks of the journal, asked of a record.
func (m manager) wrote(r *record) bool {
	switch {
	case !m.user:
		return r.fields[fPID] == "1"
	case r.fields[fOwnUnit] != m.service():
		return false
	case m.pid != "":
		return r.fields[fPID] == m.pid
	}
	return r.fields[fOwnUserUnit] == "init.scope" && r.fields[fComm] == "systemd"
}

// file is the journal file that journald writes the manager's entries to, where it is
// persistent and the user no system user.
func (m manager) file() string {
	if m.user {
		return "user-" + m.uid + ".journal"
	}
	return "system.journal"
}

// unitField is where the manager names a unit, ownUnit where journald names
// the unit that a process belongs to.
func (m manager) unitField() field       { return m.pick(fUnit, fUserUnit) }
func (m manager) invocationField() field { return m.pick(fInvocation, fUserInvocation) }
func (m manager) ownUnit() field         { return m.pick(fOwnUnit, fOwnUserUnit) }
func (m manager) coreUnit() field        { return m.pick(fCoreUnit, fCoreUserUnit) }

func (m manager) pick(system, user field) field {
	if m.user {
		return user
	}
	return system
}
