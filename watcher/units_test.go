package watcher

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

// listReply is ListUnits' reply.
func listReply(t testing.TB, order binary.ByteOrder, rows []unitRow) []byte {
	return encode(t, &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(uint32(7)),
		dbus.FieldSender:      dbus.MakeVariant(":1.2"),
		dbus.FieldDestination: dbus.MakeVariant(":1.33"),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.ParseSignatureMust(unitRows)),
	}, Body: []any{rows}}, order)
}

func loaded(n int) (rows []unitRow) {
	for i := range n {
		name := fmt.Sprintf("grown@%d.service", i)
		rows = append(rows, unitRow{name, "An instance, number " + strings.Repeat("I", i%9), "loaded", "active", "running", "",
			dbus.ObjectPath(unitPath + escapeLabel(name)), 0, "", "/"})
	}
	return rows
}

// A gathering takes no signal and keeps the lists.
type gathering struct{ lists [][]enrich.Listed }

func (*gathering) frame([]byte) bool             { return false }
func (*gathering) haste() bool                   { return false }
func (g *gathering) listed(rows []enrich.Listed) { g.lists = append(g.lists, rows) }

// through gives what frames does with bytes: what godbus reads, the lists and how it ends.
func through(t testing.TB, b []byte) (rest []byte, lists [][]enrich.Listed, err error) {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	go func() {
		_, _ = there.Write(b)
		there.Close()
	}()
	var g gathering
	f := newFrames(here, &g)
	f.begun = true
	rest, err = io.ReadAll(f)
	return rest, g.lists, err
}

func TestListReply(t *testing.T) {
	long := strings.Repeat("x", 3*frameBuffer)
	rows := append(loaded(5000),
		unitRow{"a.service", long, "not-found", "odd", "stop-sigterm", "b.service", "/x", 77, "restart", "/job/77"})
	var want []enrich.Listed
	for _, r := range rows {
		want = append(want, enrich.Listed{Unit: r.Name, Active: r.Active, Sub: r.Sub, Job: r.Job, JobType: r.JobType})
	}
	signal := encode(t, message(busPath, manager, "StartupFinished"), binary.LittleEndian)
	other := encode(t, &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(uint32(8)),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.ParseSignatureMust("s")),
	}, Body: []any{long}}, binary.BigEndian)
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		reply := listReply(t, order, rows)
		none := append(bytes.Clone(reply[:len(reply)-int(order.Uint32(reply[4:]))]), make([]byte, 8)...)
		order.PutUint32(none[4:], 8)
		rest, lists, err := through(t, bytes.Join([][]byte{signal, reply, other, none, signal}, nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]enrich.Listed{want, {}}, lists); diff != "" {
			t.Errorf("%v (-want +got):\n%s", order, diff)
		}
		// godbus gets all the messages, in order, with no units in the list.
		if want := bytes.Join([][]byte{signal, none, other, none, signal}, nil); !bytes.Equal(rest, want) {
			t.Errorf("%v: godbus reads %d bytes, want %d", order, len(rest), len(want))
		}
		m, err := dbus.DecodeMessage(bytes.NewReader(rest[len(signal):]))
		if err != nil {
			t.Fatal(err)
		}
		var us []unitRow
		if err := dbus.Store(m.Body, &us); err != nil || len(us) != 0 {
			t.Errorf("%v: %v, %d units", order, err, len(us))
		}
	}
}

// A reply that is cut off, or has a length that cannot be, ends the connection.
func TestBadListReply(t *testing.T) {
	reply := listReply(t, binary.LittleEndian, loaded(3))
	body := len(reply) - int(binary.LittleEndian.Uint32(reply[4:]))
	for cut := body + 1; cut < len(reply); cut++ {
		if _, lists, err := through(t, reply[:cut]); !errors.Is(err, io.EOF) || lists != nil {
			t.Fatalf("cut at %d: %v, %v", cut, err, lists)
		}
	}
	for _, at := range []int{body, body + 8} {
		for _, n := range []uint32{0, 1 << 20, 1<<31 - 1, 1<<32 - 1} {
			bad := bytes.Clone(reply)
			binary.LittleEndian.PutUint32(bad[at:], n)
			if _, lists, err := through(t, bad); err == nil || lists != nil {
				t.Errorf("%d at %d is taken: %v", n, at-body, lists)
			}
		}
	}
}

func FuzzReadUnits(f *testing.F) {
	reply := listReply(f, binary.LittleEndian, loaded(3))
	f.Add(reply[len(reply)-int(binary.LittleEndian.Uint32(reply[4:])):])
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bufio.NewReaderSize(bytes.NewReader(b), frameBuffer)
		units, err := readUnits(in, binary.LittleEndian, len(b))
		if err == nil && in.Buffered() != 0 {
			t.Errorf("%d units, and %d bytes left", len(units), in.Buffered())
		}
	})
}

func BenchmarkListUnits(b *testing.B) {
	reply := listReply(b, binary.LittleEndian, loaded(10_000))
	body := int(binary.LittleEndian.Uint32(reply[4:]))
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			in := bufio.NewReaderSize(bytes.NewReader(reply[len(reply)-body:]), frameBuffer)
			if units, err := readUnits(in, binary.LittleEndian, body); err != nil || len(units) != 10_000 {
				b.Fatal(err)
			}
		}
	})
	b.Run("godbus", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m, err := dbus.DecodeMessage(bytes.NewReader(reply))
			var us []unitRow
			if err != nil || dbus.Store(m.Body, &us) != nil || len(us) != 10_000 {
				b.Fatal(err)
			}
		}
	})
}
