package watcher

import (
	"encoding/binary"
	"fmt"
	"maps"
	"testing"

	"github.com/godbus/dbus/v5"
)

// props40 is a service's PropertiesChanged with 40 properties, as systemd 257 sends one, counted to
// the property: what a service's start costs a reader.
func props40() map[string]dbus.Variant {
	p := map[string]dbus.Variant{}
	maps.Copy(p, serviceProps())
	for i := 0; len(p) < 40; i++ {
		p[fmt.Sprintf("ExecStart%02dTimestamp", i)] = dbus.MakeVariant(uint64(i))
	}
	return p
}

// BenchmarkFrame takes signals all the way from the wire to the emit goroutine's hands: frame
// decodes and queues them, take gets them out of the queue.
func BenchmarkFrame(b *testing.B) {
	unit := unitPath + "nginx_2eservice"
	for _, m := range []struct {
		name string
		*dbus.Message
	}{
		{"PropertiesChanged40", message(unit, propsName, "PropertiesChanged", busName+".Service", props40(), []string{"ExecStartPre", "ExecStart"})},
		{"PropertiesChangedUnit", message(unit, propsName, "PropertiesChanged", unitIface, unitProps(), []string{"Conditions"})},
		{"JobRemoved", message(busPath, manager, "JobRemoved", uint32(77), dbus.ObjectPath(jobPath+"77"), "nginx.service", "done")},
	} {
		b.Run(m.name, func(b *testing.B) {
			frame := encode(b, m.Message, binary.LittleEndian)
			w := &Watcher{}
			l := &link{w: w, q: newQueue(defaultQueue)}
			var spare []item
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for b.Loop() {
				if !l.frame(frame) {
					b.Fatal("left to godbus")
				}
				spare = l.q.take(spare)
				l.q.told(len(spare))
			}
			if n := w.count.undecodable.Load(); n > 0 {
				b.Fatalf("%d were undecodable", n)
			}
		})
	}
}
