package watcher

import (
	"strings"

	"github.com/godbus/dbus/v5"

	"sdwhy/enrich"
)

// An owner is NameOwnerChanged of systemd's name: who has it now, "" for nobody.
type owner struct{ name string }

// decode turns a signal's body into a *flush, an owner or an
// enrich.Observation without its times. It gives nil for a signal that nobody wants,
// and false for one whose body is not what systemd sends
// (man org.freedesktop.systemd1).
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
		return enrich.Observation{Kind: enrich.KindStartup}, len(s.Body) == 6
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
	unit, okUnit := body[2].(string)
	if !okID || !okUnit {
		return nil, false
	}
	o := enrich.Observation{Kind: kind, Unit: strings.Clone(unit), Job: enrich.Job{ID: id}}
	if n == 3 {
		return o, true
	}
	result, ok := body[3].(string)
	o.Job.Result = strings.Clone(result)
	return o, ok
}

// decodeUnit reads UnitNew and UnitRemoved (s unit, o path).
func decodeUnit(kind enrich.Kind, body []any) (any, bool) {
	if len(body) != 2 {
		return nil, false
	}
	unit, ok := body[0].(string)
	return enrich.Observation{Kind: kind, Unit: strings.Clone(unit)}, ok
}

// decodeReloading reads Reloading (b active).
func decodeReloading(body []any) (any, bool) {
	if len(body) != 1 {
		return nil, false
	}
	active, ok := body[0].(bool)
	return enrich.Observation{Kind: enrich.KindReloading, Active: active}, ok
}

// decodeOwner reads NameOwnerChanged (s name, s old, s new).
func decodeOwner(body []any) (any, bool) {
	if len(body) != 3 {
		return nil, false
	}
	name, okName := body[0].(string)
	now, okNow := body[2].(string)
	if name != busName {
		return nil, okName
	}
	return owner{strings.Clone(now)}, okName && okNow
}

// decodeFlush reads PropertiesChanged (s interface, a{sv} changed, as invalidated).
func decodeFlush(path string, body []any) (any, bool) {
	if len(body) != 3 {
		return nil, false
	}
	name, okName := body[0].(string)
	changed, okChanged := body[1].(map[string]dbus.Variant)
	if !okName || !okChanged {
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
