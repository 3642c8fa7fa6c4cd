package watcher

import (
	"encoding/hex"

	"github.com/godbus/dbus/v5"

	"sdwhy/enrich"
)

// A flush is one PropertiesChanged of a unit, with only the properties that matter.
type flush struct {
	path    string // of the unit object
	iface   string // last word in lower case: "unit", "service", "timer" …
	state   enrich.State
	process enrich.Process
}

// A value is a property's value in the few D-Bus types that the wanted
// properties have. Of a struct (uo) it holds the number.
type value struct {
	sig string
	num uint64 // y b n q i u x t, sign-extended
	raw []byte // s o ay; borrowed, so it is copied by whoever keeps it
}

// ifaceOf gives the short name of a unit interface, "" for one that is not wanted.
func ifaceOf(name string) string {
	switch name {
	case unitIface:
		return "unit"
	case busName + ".Service":
		return "service"
	case busName + ".Timer":
		return "timer"
	case busName + ".Socket":
		return "socket"
	case busName + ".Path":
		return "path"
	case busName + ".Mount":
		return "mount"
	case busName + ".Swap":
		return "swap"
	case busName + ".Scope":
		return "scope"
	case busName + ".Automount":
		return "automount"
	}
	return ""
}

// set takes one property over. It reports false when a wanted property has
// another type than systemd gives it (src/core/dbus-unit.c, dbus-service.c …).
func (f *flush) set(name []byte, v value) bool {
	if f.iface == "unit" {
		return f.setUnit(name, v)
	}
	return f.setProcess(name, v)
}

func (f *flush) setUnit(name []byte, v value) bool {
	s := &f.state
	switch string(name) {
	case "ActiveState":
		return v.text(&s.Active)
	case "SubState":
		return v.text(&s.Sub)
	case "Job":
		return v.sig == "(uo)" && v.u32(&s.Job)
	case "InvocationID":
		return v.id(&s.Invocation)
	case "StateChangeTimestampMonotonic":
		return v.usec(&s.Changed)
	case "StateChangeTimestamp":
		return v.usec(&s.ChangedTime)
	case "InactiveExitTimestampMonotonic":
		return v.usec(&s.InactiveExit)
	case "ActiveEnterTimestampMonotonic":
		return v.usec(&s.ActiveEnter)
	case "ActiveExitTimestampMonotonic":
		return v.usec(&s.ActiveExit)
	case "InactiveEnterTimestampMonotonic":
		return v.usec(&s.InactiveEnter)
	case "ConditionResult":
		return v.flag(&s.Condition)
	case "ConditionTimestampMonotonic":
		return v.usec(&s.ConditionAt)
	case "AssertResult":
		return v.flag(&s.Assert)
	case "AssertTimestampMonotonic":
		return v.usec(&s.AssertAt)
	}
	return true
}

func (f *flush) setProcess(name []byte, v value) bool {
	p := &f.process
	switch string(name) {
	case "Result":
		return v.text(&p.Result)
	case "ReloadResult":
		return v.text(&p.ReloadResult)
	case "NRestarts":
		return v.sig == "u" && v.u32(&p.Restarts)
	case "MainPID":
		return v.sig == "u" && v.u32(&p.MainPID)
	case "ControlPID":
		return v.sig == "u" && v.u32(&p.ControlPID)
	case "ExecMainPID":
		return v.sig == "u" && v.u32(&p.ExecPID)
	case "ExecMainCode":
		return v.i32(&p.ExecCode)
	case "ExecMainStatus":
		return v.i32(&p.ExecStatus)
	case "ExecMainStartTimestampMonotonic":
		return v.usec(&p.ExecStart)
	case "ExecMainExitTimestampMonotonic":
		return v.usec(&p.ExecExit)
	case "LastTriggerUSecMonotonic":
		return v.usec(&p.LastTrigger)
	}
	return true
}

// text takes a string. Nearly all are one of a few words, which cost no memory.
func (v value) text(to *string) bool {
	if v.sig != "s" {
		return false
	}
	*to = word(v.raw)
	return true
}

func (v value) u32(to *uint32) bool { *to = uint32(v.num); return true }

func (v value) i32(to *int32) bool {
	*to = int32(v.num)
	return v.sig == "i"
}

func (v value) flag(to *bool) bool {
	*to = v.num != 0
	return v.sig == "b"
}

// usec takes a timestamp; systemd's USEC_INFINITY is none.
func (v value) usec(to *int64) bool {
	if v.sig != "t" {
		return false
	}
	*to = max(0, int64(v.num))
	return true
}

// id takes an id of 16 bytes as hex; none, and all zeros, is "".
func (v value) id(to *string) bool {
	if v.sig != "ay" || len(v.raw) != 0 && len(v.raw) != 16 {
		return false
	}
	*to = ""
	for _, b := range v.raw {
		if b != 0 {
			*to = hex.EncodeToString(v.raw)
			break
		}
	}
	return true
}

// valueOf converts what godbus decoded.
func valueOf(v dbus.Variant) value {
	out := value{sig: v.Signature().String()}
	switch x := v.Value().(type) {
	case string:
		out.raw = []byte(x)
	case []byte:
		out.raw = x
	case bool:
		if x {
			out.num = 1
		}
	case uint32:
		out.num = uint64(x)
	case int32:
		out.num = uint64(int64(x))
	case uint64:
		out.num = x
	case []any:
		if out.sig == "(uo)" && len(x) == 2 {
			n, _ := x[0].(uint32)
			out.num = uint64(n)
		}
	}
	return out
}

// word copies text, sharing the words that systemd uses all the time.
func word(b []byte) string {
	switch string(b) {
	case "success":
		return "success"
	case "active":
		return "active"
	case "inactive":
		return "inactive"
	case "activating":
		return "activating"
	case "deactivating":
		return "deactivating"
	case "failed":
		return "failed"
	case "running":
		return "running"
	case "dead":
		return "dead"
	case "exited":
		return "exited"
	case "start":
		return "start"
	case "auto-restart":
		return "auto-restart"
	case "stop-sigterm":
		return "stop-sigterm"
	case "exit-code":
		return "exit-code"
	case "done":
		return "done"
	}
	return string(b)
}
