package watcher

import (
	"strings"

	"github.com/godbus/dbus/v5"

	"sdwhy/enrich"
)

// An owner is NameOwnerChanged of systemd's name: who has it now, "" for nobody.
type owner struct{ name string }

// A note is any other signal but PropertiesChanged: an observation, smaller.
type note struct {
	kind   enrich.Kind
	unit   string
	job    enrich.Job
	active bool
}

// decode turns a signal that godbus decoded into a *flush, a *note or an owner. It gives nil
// for a signal that nobody wants, and false for one whose body is not what systemd
// sends (man org.freedesktop.systemd1).
func decode(s *dbus.Signal) (any, bool) {
	switch s.Name {
	case propsName + ".PropertiesChanged":
		return decodeFlush(string(s.Path), s.Body)
	case manager + ".JobNew":
		return decodeJob(enrich.KindJobNew, s.Body, 3)
	case manager + ".JobRemoved":
		return decodeJob(enrich.KindJobRemoved, s.Body, 4)
	case manager + ".UnitNew":
		return decodeUnit(enrich.KindUnitNew, s.Body)
	case manager + ".UnitRemoved":
		return decodeUnit(enrich.KindUnitRemoved, s.Body)
	case manager + ".Reloading":
		return decodeReloading(s.Body)
	case manager + ".StartupFinished":
		return &note{kind: enrich.KindStartup}, len(s.Body) == 6
	case "org.freedesktop.DBus.NameOwnerChanged":
		return decodeOwner(s.Body)
	}
	return nil, true
}

// decodeJob reads JobNew (u id, o job, s unit) and JobRemoved (… s result).
func decodeJob(kind enrich.Kind, body []any, n int) (any, bool) {
	if len(body) != n {
		return nil, false
	}
	id, okID := body[0].(uint32)
	_, okPath := body[1].(dbus.ObjectPath)
	unit, okUnit := body[2].(string)
	if !okID || !okPath || !okUnit {
		return nil, false
	}
	o := &note{kind: kind, unit: strings.Clone(unit), job: enrich.Job{ID: id}}
	if n == 3 {
		return o, true
	}
	result, ok := body[3].(string)
	o.job.Result = word([]byte(result))
	return o, ok
}

// decodeUnit reads UnitNew and UnitRemoved (s unit, o path).
func decodeUnit(kind enrich.Kind, body []any) (any, bool) {
	if len(body) != 2 {
		return nil, false
	}
	unit, okUnit := body[0].(string)
	_, okPath := body[1].(dbus.ObjectPath)
	return &note{kind: kind, unit: strings.Clone(unit)}, okUnit && okPath
}

// decodeReloading reads Reloading (b active).
func decodeReloading(body []any) (any, bool) {
	if len(body) != 1 {
		return nil, false
	}
	active, ok := body[0].(bool)
	return &note{kind: enrich.KindReloading, active: active}, ok
}

// decodeOwner reads NameOwnerChanged (s name, s old, s new).
func decodeOwner(body []any) (any, bool) {
	if len(body) != 3 {
		return nil, false
	}
	name, okName := body[0].(string)
	_, okOld := body[1].(string)
	now, okNow := body[2].(string)
	if name != busName {
		return nil, okName
	}
	return owner{strings.Clone(now)}, okOld && okNow
}

// decodeFlush reads PropertiesChanged (s interface, a{sv} changed, as invalidated).
func decodeFlush(path string, body []any) (any, bool) {
	if len(body) != 3 {
		return nil, false
	}
	name, okName := body[0].(string)
	changed, okChanged := body[1].(map[string]dbus.Variant)
	_, okGone := body[2].([]string)
	if !okName || !okChanged || !okGone {
		return nil, false
	}
	f := &flush{path: path, iface: ifaceOf(name)}
	if f.iface == "" {
		return nil, true
	}
	if unitOf(path) == "" {
		return nil, false
	}
	for k, v := range changed {
		if !f.set([]byte(k), valueOf(v)) {
			return nil, false
		}
	}
	return f, true
}
