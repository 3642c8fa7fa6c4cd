package enrich

import "slices"

// plug is a device that was announced and has not been withdrawn.
type plug struct {
	unit string
	mono int64 // when it was announced
}

const keptPlugs = 64

// unitNew: a device that is plugged in as it is loaded has its UnitNew alone, without
// a change of state (bus_unit_send_change_signal, dbus-unit.c; measured). A reload
// announces every unit anew.
func (c *Correlator) unitNew(o Observation) {
	if kind(o.Unit) != "device" || c.reloading {
		return
	}
	c.unplug(o.Unit)
	c.plugs = append(c.plugs, plug{o.Unit, o.Mono})
	if len(c.plugs) > keptPlugs {
		c.plugs = slices.Delete(c.plugs, 0, 1)
	}
}

// unplug: the device has shown that it is not there. One that is only looked at is
// loaded too, but unloaded again at once.
func (c *Correlator) unplug(unit string) {
	c.plugs = slices.DeleteFunc(c.plugs, func(p plug) bool { return p.unit == unit })
}

// plugged are the devices that have just appeared. They are noted as the job comes:
// by the time that it is judged, they may be gone.
func (c *Correlator) plugged() []string {
	c.plugs = slices.DeleteFunc(c.plugs, func(p plug) bool { return c.mono-p.mono >= nearby })
	var units []string
	for _, p := range c.plugs {
		units = append(units, p.unit)
	}
	return units
}
