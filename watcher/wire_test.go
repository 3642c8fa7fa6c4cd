package watcher

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

func message(path, iface, member string, body ...any) *dbus.Message {
	m := &dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath:      dbus.MakeVariant(dbus.ObjectPath(path)),
		dbus.FieldInterface: dbus.MakeVariant(iface),
		dbus.FieldMember:    dbus.MakeVariant(member),
		dbus.FieldSender:    dbus.MakeVariant(":1.2"),
	}, Body: body}
	if len(body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
	}
	return m
}

func encode(t testing.TB, m *dbus.Message, order binary.ByteOrder) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.EncodeTo(&b, order); err != nil {
		t.Fatal(err)
	}
	frame := b.Bytes()
	order.PutUint32(frame[8:], 1) // the serial, which a connection would give
	return frame
}

type jobRef struct {
	ID   uint32
	Path dbus.ObjectPath
}

// unitProps is what systemd 257 sends of a unit, in full.
func unitProps() map[string]dbus.Variant {
	p := map[string]dbus.Variant{
		"ActiveState":       dbus.MakeVariant("active"),
		"SubState":          dbus.MakeVariant("start-post"),
		"FreezerState":      dbus.MakeVariant("running"),
		"Job":               dbus.MakeVariant(jobRef{77, jobPath + "77"}),
		"InvocationID":      dbus.MakeVariant([]byte("0123456789abcdef")),
		"ActivationDetails": dbus.MakeVariant([][]any{}),
		"ConditionResult":   dbus.MakeVariant(true),
		"AssertResult":      dbus.MakeVariant(false),
	}
	p["ActivationDetails"] = dbus.MakeVariant([]struct{ A, B string }{{"trigger_unit", "a.timer"}})
	for i, n := range []string{"StateChange", "InactiveExit", "ActiveEnter", "ActiveExit", "InactiveEnter", "Condition", "Assert"} {
		p[n+"Timestamp"] = dbus.MakeVariant(uint64(1700000000000000 + i))
		p[n+"TimestampMonotonic"] = dbus.MakeVariant(uint64(1000 + i))
	}
	p["ActiveExitTimestampMonotonic"] = dbus.MakeVariant(^uint64(0))
	return p
}

func serviceProps() map[string]dbus.Variant {
	p := map[string]dbus.Variant{
		"MainPID": dbus.MakeVariant(uint32(12)), "ControlPID": dbus.MakeVariant(uint32(13)),
		"StatusText": dbus.MakeVariant("all is well"), "StatusErrno": dbus.MakeVariant(int32(0)),
		"StatusBusError": dbus.MakeVariant(""), "NotifyAccess": dbus.MakeVariant("main"),
		"Result": dbus.MakeVariant("core-dump"), "ReloadResult": dbus.MakeVariant("success"), "CleanResult": dbus.MakeVariant("success"),
		"UID": dbus.MakeVariant(uint32(1)), "GID": dbus.MakeVariant(uint32(1)), "NRestarts": dbus.MakeVariant(uint32(3)),
		"ExecMainPID": dbus.MakeVariant(uint32(12)), "ExecMainCode": dbus.MakeVariant(int32(3)), "ExecMainStatus": dbus.MakeVariant(int32(-11)),
		"ExecMainStartTimestamp": dbus.MakeVariant(uint64(1)), "ExecMainStartTimestampMonotonic": dbus.MakeVariant(uint64(2)),
		"ExecMainExitTimestamp": dbus.MakeVariant(uint64(3)), "ExecMainExitTimestampMonotonic": dbus.MakeVariant(uint64(4)),
		"Nested": dbus.MakeVariant(map[string]dbus.Variant{"a": dbus.MakeVariant([]dbus.Variant{dbus.MakeVariant(1.5), dbus.MakeVariant(dbus.SignatureOf(1))})}),
		"Wide": dbus.MakeVariant([]struct {
			A int16
			B uint64
		}{{1, 2}, {3, 4}}),
	}
	return p
}

func wireMessages() []*dbus.Message {
	unit := unitPath + "a_2eservice"
	gone := []string{"Conditions", "Asserts"}
	return []*dbus.Message{
		message(unit, propsName, "PropertiesChanged", unitIface, unitProps(), gone),
		message(unit, propsName, "PropertiesChanged", busName+".Service", serviceProps(), []string{}),
		message(unit, propsName, "PropertiesChanged", busName+".Timer", map[string]dbus.Variant{"LastTriggerUSecMonotonic": dbus.MakeVariant(uint64(5))}, gone),
		message(unit, propsName, "PropertiesChanged", busName+".Device", serviceProps(), gone),
		message(unit, propsName, "PropertiesChanged", unitIface, map[string]dbus.Variant{"ActiveState": dbus.MakeVariant(1)}, gone),
		message(unit, propsName, "PropertiesChanged", unitIface, map[string]dbus.Variant{"InvocationID": dbus.MakeVariant([]byte("short"))}, gone),
		message(unit, propsName, "PropertiesChanged", unitIface, map[string]dbus.Variant{"InvocationID": dbus.MakeVariant(make([]byte, 16))}, gone),
		message("/x", propsName, "PropertiesChanged", unitIface, unitProps(), gone),
		message(unit, propsName, "PropertiesChanged", "x"),
		message(busPath, manager, "JobNew", uint32(7), dbus.ObjectPath("/j"), "a.service"),
		message(busPath, manager, "JobNew", "7", dbus.ObjectPath("/j"), "a.service"),
		message(busPath, manager, "JobRemoved", uint32(7), dbus.ObjectPath("/j"), "a.service", "done"),
		message(busPath, manager, "JobRemoved", uint32(7), dbus.ObjectPath("/j"), "a.service"),
		message(busPath, manager, "UnitNew", "a.service", dbus.ObjectPath(unit)),
		message(busPath, manager, "UnitRemoved", "a.service", unit),
		message(busPath, manager, "Reloading", true),
		message(busPath, manager, "StartupFinished", uint64(1), uint64(1), uint64(1), uint64(1), uint64(1), uint64(1)),
		message("/x", "org.freedesktop.DBus", "NameOwnerChanged", busName, ":1.1", ""),
	}
}

// byGodbus decodes a frame as godbus would hand it to DeliverSignal.
func byGodbus(frame []byte) (what any, ok, readable bool) {
	m, err := dbus.DecodeMessage(bytes.NewReader(frame))
	if err != nil || m.Type != dbus.TypeSignal {
		return nil, false, false
	}
	path, _ := m.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	iface, _ := m.Headers[dbus.FieldInterface].Value().(string)
	member, _ := m.Headers[dbus.FieldMember].Value().(string)
	what, ok = decode(&dbus.Signal{Path: path, Name: iface + "." + member, Body: m.Body})
	return what, ok, true
}

var unexported = cmp.AllowUnexported(flush{}, note{})

// Our decoder and godbus' must agree on whatever systemd sends, and on what it does not.
func TestWireAgreesWithGodbus(t *testing.T) {
	taken := 0
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, m := range wireMessages() {
			frame := encode(t, m, order)
			want, wantOK, readable := byGodbus(frame)
			if !readable {
				t.Fatalf("godbus cannot read %v", m)
			}
			s, ok := parseSignal(frame)
			if !ok {
				t.Fatalf("cannot read the header of %v", m)
			}
			if !s.ours() {
				continue
			}
			taken++
			got, gotOK := s.decode()
			if gotOK != wantOK {
				t.Errorf("%v: ok = %v, godbus %v", m.Body, gotOK, wantOK)
			}
			if diff := cmp.Diff(want, got, unexported); gotOK && diff != "" {
				t.Errorf("%v (-godbus +wire):\n%s", m.Body, diff)
			}
		}
	}
	if taken != 30 {
		t.Errorf("%d frames taken", taken)
	}
}

// What is decoded of a full flush, by value: agreeing would not show that both forget a property.
func TestWireValues(t *testing.T) {
	ms := wireMessages()
	s, _ := parseSignal(encode(t, ms[0], binary.LittleEndian))
	got, _ := s.decode()
	want := &flush{path: unitPath + "a_2eservice", iface: "unit", state: enrich.State{
		Active: "active", Sub: "start-post", Job: 77, Invocation: "30313233343536373839616263646566",
		Changed: 1000, ChangedTime: 1700000000000000, InactiveExit: 1001, ActiveEnter: 1002, InactiveEnter: 1004,
		Condition: true, ConditionAt: 1005, AssertAt: 1006}}
	if diff := cmp.Diff(any(want), got, unexported); diff != "" {
		t.Errorf("unit (-want +got):\n%s", diff)
	}
	s, _ = parseSignal(encode(t, ms[1], binary.LittleEndian))
	got, _ = s.decode()
	want = &flush{path: unitPath + "a_2eservice", iface: "service", process: enrich.Process{
		Result: "core-dump", ReloadResult: "success", Restarts: 3, MainPID: 12, ControlPID: 13,
		ExecPID: 12, ExecCode: 3, ExecStatus: -11, ExecStart: 2, ExecExit: 4}}
	if diff := cmp.Diff(any(want), got, unexported); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
}

// On any bytes that both can read, both decoders say the same; a frame that only one can
// read is broken, and costs at most itself.
func FuzzWire(f *testing.F) {
	for _, m := range wireMessages() {
		f.Add(encode(f, m, binary.LittleEndian))
		f.Add(encode(f, m, binary.BigEndian))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		s, ok := parseSignal(frame)
		if !ok || !s.ours() {
			return
		}
		got, gotOK := s.decode()
		want, wantOK, readable := byGodbus(frame)
		if !readable || !wantOK || !gotOK || twice(&s) {
			return
		}
		if diff := cmp.Diff(want, got, unexported); diff != "" {
			t.Errorf("(-godbus +wire):\n%s", diff)
		}
	})
}

// twice says whether a property is named twice, of which godbus keeps one and drops the other's
// errors too.
func twice(s *signal) bool {
	if string(s.member) != "PropertiesChanged" {
		return false
	}
	r := s.body
	r.str()
	seen := map[string]bool{}
	for end := r.array(8); r.at < end && !r.bad; {
		r.align(8)
		name := string(r.str())
		if seen[name] {
			return true
		}
		seen[name] = true
		r.variant()
	}
	return false
}

// frames must give godbus exactly what is not taken, whatever the sizes of reads and writes.
func TestFrames(t *testing.T) {
	here, there := net.Pipe()
	var sent, kept, taken bytes.Buffer
	for _, m := range wireMessages() {
		frame := encode(t, m, binary.LittleEndian)
		sent.Write(frame)
		if s, _ := parseSignal(frame); s.ours() {
			taken.Write(frame)
		} else {
			kept.Write(frame)
		}
	}
	big := encode(t, message("/x", propsName, "PropertiesChanged", strings.Repeat("x", frameBuffer)), binary.LittleEndian)
	sent.Write(big)
	kept.Write(big)
	go func() {
		for b := sent.Bytes(); len(b) > 0; {
			n := min(len(b), 1000)
			_, _ = there.Write(b[:n])
			b = b[n:]
		}
		there.Close()
	}()
	var got bytes.Buffer
	f := newFrames(here, takes(func(frame []byte) bool {
		s, ok := parseSignal(frame)
		if ok && s.ours() {
			got.Write(frame)
			return true
		}
		return false
	}))
	f.begun = true
	rest, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(rest, kept.Bytes()) || !bytes.Equal(got.Bytes(), taken.Bytes()) {
		t.Errorf("kept %d bytes of %d, took %d of %d", len(rest), kept.Len(), got.Len(), taken.Len())
	}
}

// takes is a taker of signals only.
type takes func([]byte) bool

func (t takes) frame(b []byte) bool    { return t(b) }
func (t takes) listed([]enrich.Listed) {}
func (t takes) haste() bool            { return false }

func benchmarkFrame(b *testing.B, m *dbus.Message) {
	frame := encode(b, m, binary.LittleEndian)
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s, _ := parseSignal(frame)
			if _, ok := s.decode(); !ok {
				b.Fatal("undecodable")
			}
		}
	})
	b.Run("godbus", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok, _ := byGodbus(frame); !ok {
				b.Fatal("undecodable")
			}
		}
	})
}

func BenchmarkUnit(b *testing.B)       { benchmarkFrame(b, wireMessages()[0]) }
func BenchmarkService(b *testing.B)    { benchmarkFrame(b, wireMessages()[1]) }
func BenchmarkUnwanted(b *testing.B)   { benchmarkFrame(b, wireMessages()[3]) }
func BenchmarkJobRemoved(b *testing.B) { benchmarkFrame(b, wireMessages()[11]) }
func BenchmarkStamp(b *testing.B) {
	c := newClock()
	for b.Loop() {
		c.now()
	}
}
