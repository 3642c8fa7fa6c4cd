package watcher

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

// brief is what of an observation tells it from others.
func brief(o enrich.Observation) string {
	s := string(o.Kind)
	switch o.Kind {
	case enrich.KindWitness:
		s += fmt.Sprint(" ", o.Witness.Name, " ", o.Witness.Up)
		if o.Witness.Lost != 0 {
			s += fmt.Sprint(" lost ", o.Witness.Lost)
		}
	case enrich.KindJobNew, enrich.KindJobRemoved:
		s += fmt.Sprint(" ", o.Job.ID, o.Job.Result)
	case enrich.KindReloading:
		s += fmt.Sprint(" ", o.Active)
	case enrich.KindUnit:
		s += fmt.Sprint(" ", o.Unit, " ", o.State.Active, " ", o.Process.Iface, o.Process.Result)
	}
	return s
}

func (p *tap) briefs(n int) []string {
	p.t.Helper()
	var out []string
	for range n {
		out = append(out, brief(p.next()))
	}
	return out
}

func (p *tap) want(want ...string) {
	p.t.Helper()
	if diff := cmp.Diff(want, p.briefs(len(want))); diff != "" {
		p.t.Fatalf("observations (-want +got):\n%s", diff)
	}
}

var connected = []string{"start", "witness proc true", "witness dbus true", "listing"}

func TestRunConnectOrder(t *testing.T) {
	b := newTestBus(t)
	f := newFakeSystemd(t, b, func(f *fakeSystemd) {
		f.jobs = []jobRow{{ID: 3, Unit: "n.service", Type: "nop", Path: "/", Unit2: "/"},
			{ID: 4, Unit: "a.service", Type: "start", Path: "/", Unit2: "/"}}
	})
	p := watch(t, &Watcher{Address: b.address})
	start := p.next()
	if h := start.Host; h.Systemd != "257.1" || !h.Container || h.Manager != "system" || len(h.BootID) != 32 {
		t.Errorf("host = %+v", h)
	}
	p.want(connected[1:3]...)
	want := []enrich.Listed{{Unit: "a.service", Active: "active", Sub: "running"}, {Unit: "n.service", Job: 3, JobType: "nop"}}
	if diff := cmp.Diff(want, p.next().Listing); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Subscribe", "ListUnits", "ListJobs"}, sortedTail(f.called())); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// sortedTail puts the two calls that are sent at once, and served at once by godbus, in order.
func sortedTail(calls []string) []string {
	slices.Sort(calls[1:])
	slices.Reverse(calls[1:])
	return calls
}

// The listing must stand among the signals where its reply came.
func TestListingPlace(t *testing.T) {
	b := newTestBus(t)
	f := newFakeSystemd(t, b, func(f *fakeSystemd) {
		f.onList = func() {
			f.jobNew(1, "a.service")
			f.jobRemoved(1, "a.service", "done")
			f.jobNew(2, "a.service")
		}
	})
	p := watch(t, &Watcher{Address: b.address})
	p.want("start", "witness proc true", "witness dbus true", "job-new 1", "job-removed 1done", "job-new 2", "listing")
	f.jobRemoved(2, "a.service", "failed")
	p.want("job-removed 2failed")
}

func TestFlushIsMerged(t *testing.T) {
	b := newTestBus(t)
	f := newFakeSystemd(t, b)
	p := watch(t, &Watcher{Address: b.address})
	p.want(connected...)
	result := map[string]dbus.Variant{"Result": dbus.MakeVariant("signal")}
	active := map[string]dbus.Variant{"ActiveState": dbus.MakeVariant("active")}
	f.changed("a.service", "Service", result)
	f.changed("a.service", "Unit", active)
	f.changed("x.target", "Unit", active)
	f.changed("b.service", "Service", result)
	f.jobNew(1, "b.service")
	f.changed("c.service", "Service", result)
	f.changed("d.service", "Unit", active)
	f.changed("e.service", "Device", active)
	f.changed("e.timer", "Timer", result)
	p.want("unit a.service active servicesignal", "unit x.target active ", "unit b.service  servicesignal", "job-new 1",
		"unit c.service  servicesignal", "unit d.service active ", "unit e.timer  timersignal")
}

func TestReloadListsAgain(t *testing.T) {
	b := newTestBus(t)
	f := newFakeSystemd(t, b)
	p := watch(t, &Watcher{Address: b.address})
	p.want(connected...)
	f.send("Reloading", true)
	f.send("Reloading", false)
	p.want("reloading true", "reloading false", "listing")
	if n := p.w.Stats().Resyncs; n != 2 {
		t.Errorf("resyncs = %d", n)
	}
}

// systemd leaving the bus and coming back has forgotten us, as after its connection broke.
func TestOwnerChange(t *testing.T) {
	b := newTestBus(t)
	f := newFakeSystemd(t, b)
	p := watch(t, &Watcher{Address: b.address})
	p.want(connected...)
	if _, err := f.conn.ReleaseName(busName); err != nil {
		t.Fatal(err)
	}
	p.want("reloading true")
	f.forget()
	if _, err := f.conn.RequestName(busName, 0); err != nil {
		t.Fatal(err)
	}
	p.want("reloading false", "listing")
}

func TestProbeFindsDroppedSubscription(t *testing.T) {
	b := newTestBus(t)
	f := newFakeSystemd(t, b)
	p := watch(t, &Watcher{Address: b.address, probe: 5 * time.Millisecond})
	p.want(connected...)
	f.forget()
	p.want("witness dbus true lost -1", "listing")
	f.jobNew(7, "a.service")
	p.want("job-new 7") // and no further listing: AlreadySubscribed is fine
}

func TestBusDies(t *testing.T) {
	b := newTestBus(t)
	f := newFakeSystemd(t, b)
	p := watch(t, &Watcher{Address: b.address})
	p.want(connected...)
	f.jobNew(1, "a.service")
	p.want("job-new 1")
	f.jobRemoved(1, "a.service", "done")
	p.want("job-removed 1done")
	b.stop()
	p.want("witness dbus false")
	b.start()
	newFakeSystemd(t, b)
	p.want("witness dbus true", "listing")
	if s := p.w.Stats(); s.Reconnects == 0 {
		t.Errorf("stats = %+v", s)
	}
}

func TestBusAbsentAtFirst(t *testing.T) {
	b := newTestBus(t)
	b.stop()
	p := watch(t, &Watcher{Address: b.address})
	p.want("start", "witness proc true")
	if w := p.next().Witness; w.Up || !strings.Contains(w.Why, b.address) {
		t.Errorf("witness = %+v", w)
	}
	b.start()
	newFakeSystemd(t, b)
	p.want("start", "witness dbus true", "listing") // start again: now the manager's version is known
}

// A reload whose end nobody heard of is over once the manager answers.
func TestBusDiesDuringReload(t *testing.T) {
	b := newTestBus(t)
	f := newFakeSystemd(t, b)
	p := watch(t, &Watcher{Address: b.address})
	p.want(connected...)
	f.send("Reloading", true)
	p.want("reloading true")
	b.stop()
	p.want("witness dbus false")
	b.start()
	newFakeSystemd(t, b)
	p.want("witness dbus true", "reloading false", "listing")
}

// A consumer that stalls loses nothing and gets everything in order, though the bus dies
// meanwhile.
func TestStalledConsumer(t *testing.T) {
	const jobs = 5000
	b := newTestBus(t)
	f := newFakeSystemd(t, b)
	w := &Watcher{Address: b.address}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	listed, release, done := make(chan bool), make(chan bool), make(chan bool)
	var ids []uint32
	go func() {
		defer close(done)
		_ = w.Run(ctx, func(o enrich.Observation) {
			switch o.Kind {
			case enrich.KindListing:
				close(listed)
				<-release
			case enrich.KindJobNew, enrich.KindJobRemoved:
				ids = append(ids, o.Job.ID)
			}
			if len(ids) == 2*jobs {
				cancel()
			}
		})
	}()
	<-listed
	for id := range uint32(jobs) {
		f.jobNew(id+1, "a.service")
		f.changed("a.service", "Unit", nil)
		f.jobRemoved(id+1, "a.service", "done")
	}
	for w.Stats().Signals < 3*jobs {
		time.Sleep(time.Millisecond)
	}
	b.stop()
	close(release)
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		t.Fatalf("%d of %d arrived: %+v", len(ids), 2*jobs, w.Stats())
	}
	for i, id := range ids {
		if id != uint32(i/2+1) {
			t.Fatalf("signal %d is of job %d", i, id)
		}
	}
}

// What does not fit the queue is counted, said, and made up for by a listing.
func TestOverflow(t *testing.T) {
	b := newTestBus(t)
	f := newFakeSystemd(t, b)
	w := &Watcher{Address: b.address, Queue: 10}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	told := make(chan enrich.Observation, 1000)
	release := make(chan bool)
	first := true
	go w.Run(ctx, func(o enrich.Observation) {
		if o.Kind == enrich.KindClients {
			return
		}
		told <- o
		if o.Kind == enrich.KindListing && first {
			first = false
			<-release
		}
	})
	p := &tap{t: t, w: w, ch: told}
	p.want(connected...)
	for id := range uint32(50) {
		f.jobNew(id, "a.service")
	}
	for w.Stats().Dropped < 1 || w.Stats().Signals < 50 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	lost := p.until(enrich.KindWitness).Witness.Lost
	if d := int(w.Stats().Dropped); lost != d || d == 0 {
		t.Errorf("lost %d, dropped %d", lost, d)
	}
	p.until(enrich.KindListing)
}

// A signal sent to us alone comes from a client that plays systemd.
func TestForgedSignals(t *testing.T) {
	b := newTestBus(t)
	f := newFakeSystemd(t, b)
	p := watch(t, &Watcher{Address: b.address})
	p.want(connected...)
	forger, err := dbus.Connect(b.address)
	if err != nil {
		t.Fatal(err)
	}
	defer forger.Close()
	var name string
	f.mu.Lock()
	for s := range f.subscribed {
		name = string(s)
	}
	f.mu.Unlock()
	body := []any{uint32(66), dbus.ObjectPath("/x"), "evil.service"}
	for _, dest := range []string{"", name} {
		m := &dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath(busPath)), dbus.FieldInterface: dbus.MakeVariant(manager),
			dbus.FieldMember: dbus.MakeVariant("JobNew"), dbus.FieldSignature: dbus.MakeVariant(dbus.SignatureOf(body...)),
		}, Body: body}
		if dest != "" {
			m.Headers[dbus.FieldDestination] = dbus.MakeVariant(dest)
		}
		forger.Send(m, nil)
	}
	if err := forger.BusObject().Call("org.freedesktop.DBus.GetId", 0).Err; err != nil {
		t.Fatal(err)
	}
	f.jobNew(1, "a.service")
	p.want("job-new 1")
}

func TestReads(t *testing.T) {
	b := newTestBus(t)
	newFakeSystemd(t, b)
	w := &Watcher{Address: b.address}
	p := watch(t, w)
	p.want(connected...)
	w.ReadConfig("a.service")
	want := enrich.Config{Names: []string{"a.service"}, Deps: map[string][]string{"PartOf": {"b.service"}}, Type: "notify", LogLevelMax: 4}
	o := p.until(enrich.KindConfig)
	if diff := cmp.Diff(want, o.Config); diff != "" || o.Unit != "a.service" {
		t.Errorf("config of %s (-want +got):\n%s", o.Unit, diff)
	}
	w.ReadConfig("bad.service")
	if o := p.until(enrich.KindConfig); o.Unit != "bad.service" || o.Config.Failed == "" || o.Config.LogLevelMax != -1 {
		t.Errorf("unreadable: %+v", o)
	}
	w.ReadJobType(99) // gone: no answer
	w.ReadJobType(5)
	if o := p.until(enrich.KindJobType); o.Job != (enrich.Job{ID: 5, Type: "restart"}) || o.Unit != "a.service" {
		t.Errorf("job type: %+v", o)
	}
	for range 100 {
		w.ReadConfig("a.service")
	}
	p.until(enrich.KindConfig)
	if n := w.Stats().ConfigReads; n > 50 {
		t.Errorf("%d reads for 102 requests of 2 units", n)
	}
}

// A read that a reload overtook is worth nothing: it is made again.
func TestReadAcrossReload(t *testing.T) {
	w := &Watcher{}
	q := newQueue(10)
	w.queue.Store(q)
	w.requests.start()
	var told []enrich.Observation
	s := &stream{w: w, q: q, emit: func(o enrich.Observation) { told = append(told, o) }}
	s.answer(stamp{}, answer{Observation: enrich.Observation{Kind: enrich.KindConfig}, request: request{unit: "a.service"}, epoch: 0})
	w.epoch.Add(1)
	s.answer(stamp{}, answer{Observation: enrich.Observation{Kind: enrich.KindConfig}, request: request{unit: "b.service"}, epoch: 0})
	if r, ok := w.requests.next(); !ok || r.unit != "b.service" || len(told) != 1 {
		t.Errorf("asked again %+v, told %d", r, len(told))
	}
}
