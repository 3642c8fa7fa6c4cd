package watcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"sdwhy/enrich"
)

// Dependencies lists the dependency properties that bear on causes, under systemd's names.
var dependencies = [...]string{
	"Requires", "Requisite", "Wants", "BindsTo", "PartOf", "Upholds",
	"RequiredBy", "RequisiteOf", "WantedBy", "BoundBy", "UpheldBy", "ConsistsOf",
	"Conflicts", "ConflictedBy", "OnFailure", "OnFailureOf", "OnSuccess", "OnSuccessOf",
	"PropagatesReloadTo", "ReloadPropagatedFrom", "PropagatesStopTo", "StopPropagatedFrom",
	"Triggers", "TriggeredBy",
}

type properties = map[string]dbus.Variant

// read makes the calls for a request. It reports whether there is an observation; its
// error means that the link is of no more use.
func (l *link) read(ctx context.Context, r request) (enrich.Observation, bool, error) {
	if r.unit == "" {
		return l.readJob(ctx, r.job)
	}
	if r.triggers {
		return l.readTriggers(ctx, r.unit)
	}
	l.w.count.configs.Add(1)
	c, err := l.readConfig(ctx, r.unit)
	return configRead(r.unit, enrich.KindConfig, c, err)
}

// unreadable is a configuration that cannot be had.
func unreadable(why string) enrich.Config { return enrich.Config{LogLevelMax: -1, Failed: why} }

// configRead makes the observation of what was read of a unit's configuration.
func configRead(unit string, kind enrich.Kind, c enrich.Config, err error) (enrich.Observation, bool, error) {
	if err != nil && !refused(err) {
		return enrich.Observation{}, false, fmt.Errorf("read the configuration of %s: %w", unit, err)
	}
	if err != nil {
		kind, c = enrich.KindConfig, unreadable(err.Error())
	}
	return enrich.Observation{Kind: kind, Unit: unit, Config: c}, true, nil
}

// readTriggers reads what a unit triggers.
func (l *link) readTriggers(ctx context.Context, unit string) (enrich.Observation, bool, error) {
	var v dbus.Variant
	err := l.call(ctx, unitPath+escapeLabel(unit), propsName+".Get", unitIface, "Triggers").Store(&v)
	c := enrich.Config{LogLevelMax: -1}
	if units := listOf(v); units != nil {
		c.Deps = map[string][]string{"Triggers": units}
	}
	return configRead(unit, enrich.KindTriggers, c, err)
}

// refused says whether an error is the peer's answer, and not a broken or hung connection.
func refused(err error) bool {
	var answer dbus.Error
	return errors.As(err, &answer)
}

// readJob reads a job's type; the job may well be gone.
func (l *link) readJob(ctx context.Context, id uint32) (enrich.Observation, bool, error) {
	var all properties
	err := l.call(ctx, fmt.Sprint(jobPath, id), propsName+".GetAll", jobIface).Store(&all)
	if err != nil && !refused(err) {
		return enrich.Observation{}, false, fmt.Errorf("read the type of job %d: %w", id, err)
	}
	job := enrich.Job{ID: id, Type: textOf(all["JobType"])}
	unit, _ := all["Unit"].Value().([]any)
	if job.Type == "" || len(unit) == 0 {
		return enrich.Observation{}, false, nil
	}
	name, _ := unit[0].(string)
	return enrich.Observation{Kind: enrich.KindJobType, Unit: strings.Clone(name), Job: job}, true, nil
}

// readConfig reads a unit's configuration.
func (l *link) readConfig(ctx context.Context, unit string) (enrich.Config, error) {
	all, own, err := l.properties(ctx, unit)
	if err != nil {
		return enrich.Config{}, err
	}
	return configOf(all, own), nil
}

// properties reads those of Unit and of the unit's type, by object path: that loads the
// unit if it is not.
func (l *link) properties(ctx context.Context, unit string) (all, own properties, err error) {
	path := unitPath + escapeLabel(unit)
	if err = l.call(ctx, path, propsName+".GetAll", unitIface).Store(&all); err != nil {
		return nil, nil, err
	}
	if iface := ifaceFor(unit); iface != "" {
		err = l.call(ctx, path, propsName+".GetAll", iface).Store(&own)
	}
	return all, own, err
}

// ifaceFor gives the interface of the unit's type, where it has a property that is wanted.
func ifaceFor(unit string) string {
	switch unit[strings.LastIndexByte(unit, '.')+1:] {
	case "service":
		return busName + ".Service"
	case "socket":
		return busName + ".Socket"
	case "mount":
		return busName + ".Mount"
	case "swap":
		return busName + ".Swap"
	}
	return ""
}

// configOf picks from the properties of Unit and of the type's interface. A property of
// another type than systemd's counts as absent.
func configOf(unit, own properties) enrich.Config {
	c := enrich.Config{
		Names:            listOf(unit["Names"]),
		Type:             textOf(own["Type"]),
		Restart:          textOf(own["Restart"]),
		RestartMode:      textOf(own["RestartMode"]),
		BusName:          textOf(own["BusName"]),
		LogLevelMax:      -1,
		RemainAfterExit:  flagOf(own["RemainAfterExit"]),
		StopWhenUnneeded: flagOf(unit["StopWhenUnneeded"]),
		Transient:        flagOf(unit["Transient"]),
		CanReload:        flagOf(unit["CanReload"]),
	}
	if level, ok := own["LogLevelMax"].Value().(int32); ok && 0 <= level && level <= 7 {
		c.LogLevelMax = int(level)
	}
	for _, name := range dependencies {
		if units := listOf(unit[name]); units != nil {
			if c.Deps == nil {
				c.Deps = map[string][]string{}
			}
			c.Deps[name] = units
		}
	}
	return c
}

func textOf(v dbus.Variant) string {
	s, _ := v.Value().(string)
	return strings.Clone(s)
}

func flagOf(v dbus.Variant) bool {
	b, _ := v.Value().(bool)
	return b
}

// listOf copies a list of names, in order; nil when there are none.
func listOf(v dbus.Variant) []string {
	names, _ := v.Value().([]string)
	if len(names) == 0 {
		return nil
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.Clone(n)
	}
	slices.Sort(out)
	return out
}
