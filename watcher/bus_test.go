package watcher

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"sdwhy/enrich"
)

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`

// A testBus is a private dbus-daemon that can be restarted at the same address.
type testBus struct {
	t       *testing.T
	dir     string
	address string
	cmd     *exec.Cmd
}

func newTestBus(t *testing.T) *testBus {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		t.Skip("no dbus-daemon here")
	}
	b := &testBus{t: t, dir: t.TempDir()}
	sock := filepath.Join(b.dir, "bus")
	b.address = "unix:path=" + sock
	if err := os.WriteFile(filepath.Join(b.dir, "conf"), fmt.Appendf(nil, busConfig, sock), 0o644); err != nil {
		t.Fatal(err)
	}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *testBus) start() {
	b.t.Helper()
	_ = os.Remove(filepath.Join(b.dir, "bus"))
	b.cmd = exec.Command("dbus-daemon", "--nofork", "--print-address", "--config-file="+filepath.Join(b.dir, "conf"))
	out, err := b.cmd.StdoutPipe()
	if err == nil {
		err = b.cmd.Start()
	}
	if err == nil {
		_, err = bufio.NewReader(out).ReadString('\n')
	}
	if err != nil {
		b.t.Fatalf("start dbus-daemon: %v", err)
	}
}

func (b *testBus) stop() {
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}

// unitRow is a row of ListUnits, as godbus would have it.
type unitRow struct {
	Name, Description, Load, Active, Sub, Following string
	Path                                            dbus.ObjectPath
	Job                                             uint32
	JobType                                         string
	JobPath                                         dbus.ObjectPath
}

// A fakeSystemd serves org.freedesktop.systemd1 on a test bus.
type fakeSystemd struct {
	t    *testing.T
	conn *dbus.Conn

	// Set before it serves.
	units  []unitRow
	jobs   []jobRow
	onList func() // runs before ListUnits answers

	mu         sync.Mutex
	subscribed map[dbus.Sender]bool
	calls      []string
}

func newFakeSystemd(t *testing.T, b *testBus, with ...func(*fakeSystemd)) *fakeSystemd {
	t.Helper()
	conn, err := dbus.Connect(b.address)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeSystemd{t: t, conn: conn, subscribed: map[dbus.Sender]bool{}}
	f.units = []unitRow{{Name: "a.service", Active: "active", Sub: "running", Path: unitPath + "a_2eservice", JobPath: "/"}}
	for _, set := range with {
		set(f)
	}
	for _, err := range []error{
		conn.Export(f, busPath, manager),
		conn.Export(fakeProps{f}, busPath, propsName),
		conn.ExportSubtree(fakeProps{f}, busPath+"/unit", propsName),
		conn.ExportSubtree(fakeProps{f}, busPath+"/job", propsName),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.RequestName(busName, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return f
}

func (f *fakeSystemd) note(call string) {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	f.mu.Unlock()
}

func (f *fakeSystemd) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

func (f *fakeSystemd) Subscribe(sender dbus.Sender) *dbus.Error {
	f.note("Subscribe")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subscribed[sender] {
		return dbus.NewError(busName+".AlreadySubscribed", []any{"Client is already subscribed."})
	}
	f.subscribed[sender] = true
	return nil
}

func (f *fakeSystemd) forget() {
	f.mu.Lock()
	f.subscribed = map[dbus.Sender]bool{}
	f.mu.Unlock()
}

func (f *fakeSystemd) ListUnits() ([]unitRow, *dbus.Error) {
	f.note("ListUnits")
	if f.onList != nil {
		f.onList()
	}
	return f.units, nil
}

func (f *fakeSystemd) ListJobs() ([]jobRow, *dbus.Error) {
	f.note("ListJobs")
	return f.jobs, nil
}

type fakeProps struct{ f *fakeSystemd }

func (p fakeProps) Get(_, name string) (dbus.Variant, *dbus.Error) {
	return dbus.MakeVariant(map[string]string{"Version": "257.1", "Virtualization": "systemd-nspawn"}[name]), nil
}

func (p fakeProps) GetAll(msg dbus.Message, iface string) (map[string]dbus.Variant, *dbus.Error) {
	path := string(msg.Headers[dbus.FieldPath].Value().(dbus.ObjectPath))
	p.f.note("GetAll " + path + " " + iface)
	switch {
	case strings.HasPrefix(path, jobPath+"9"):
		return nil, dbus.NewError("org.freedesktop.DBus.Error.UnknownObject", []any{"gone"})
	case strings.HasPrefix(path, jobPath):
		return map[string]dbus.Variant{"JobType": dbus.MakeVariant("restart"), "Unit": dbus.MakeVariant(struct {
			A string
			B dbus.ObjectPath
		}{"a.service", "/"})}, nil
	case unitOf(path) == "bad.service":
		return nil, dbus.NewError("org.freedesktop.DBus.Error.UnknownObject", []any{"no such unit"})
	case iface == unitIface:
		return map[string]dbus.Variant{"Names": dbus.MakeVariant([]string{"a.service"}), "PartOf": dbus.MakeVariant([]string{"b.service"})}, nil
	}
	return map[string]dbus.Variant{"Type": dbus.MakeVariant("notify"), "LogLevelMax": dbus.MakeVariant(int32(4))}, nil
}

func (f *fakeSystemd) send(member string, args ...any) {
	f.t.Helper()
	if err := f.conn.Emit(busPath, manager+"."+member, args...); err != nil {
		f.t.Error(err)
	}
}

func (f *fakeSystemd) jobNew(id uint32, unit string) {
	f.send("JobNew", id, dbus.ObjectPath(fmt.Sprint(jobPath, id)), unit)
}

func (f *fakeSystemd) jobRemoved(id uint32, unit, result string) {
	f.send("JobRemoved", id, dbus.ObjectPath(fmt.Sprint(jobPath, id)), unit, result)
}

func (f *fakeSystemd) changed(unit, iface string, props map[string]dbus.Variant) {
	f.t.Helper()
	path := dbus.ObjectPath(unitPath + escapeLabel(unit))
	if err := f.conn.Emit(path, propsName+".PropertiesChanged", busName+"."+iface, props, []string{}); err != nil {
		f.t.Error(err)
	}
}

// A tap collects what a Watcher emits; next waits for one that matters.
type tap struct {
	t  *testing.T
	w  *Watcher
	ch chan enrich.Observation
}

// watch runs w until the test ends, and checks that Run then returns nil.
func watch(t *testing.T, w *Watcher) *tap {
	t.Helper()
	p := &tap{t: t, w: w, ch: make(chan enrich.Observation, 1<<17)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx, func(o enrich.Observation) { p.ch <- o }) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Run does not return after cancel")
		}
	})
	return p
}

// next gives the next observation that is not a scan of /proc.
func (p *tap) next() enrich.Observation {
	p.t.Helper()
	for {
		select {
		case o := <-p.ch:
			if o.Kind == enrich.KindClients {
				continue
			}
			return o
		case <-time.After(10 * time.Second):
			p.t.Fatalf("nothing more is told; %+v", p.w.Stats())
		}
	}
}

// until skips to the first observation of a kind.
func (p *tap) until(kind enrich.Kind) enrich.Observation {
	p.t.Helper()
	for {
		if o := p.next(); o.Kind == kind {
			return o
		}
	}
}
