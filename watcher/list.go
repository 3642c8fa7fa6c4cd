package watcher

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"

	"sdwhy/enrich"
)

// A listing is every unit and job as of the reply numbered seq. Its fields are set
// once done is closed; rows before that by godbus' reader.
type listing struct {
	done  chan struct{}
	seq   dbus.Sequence
	since int64 // µs of CLOCK_MONOTONIC: signals were subscribed to from here on
	rows  []enrich.Listed
	host  enrich.Host
	err   error
}

func newListing() *listing { return &listing{done: make(chan struct{})} }

// fill runs what makes the listing and declares it done, for better or worse.
func (p *listing) fill(make func() error) error {
	defer close(p.done)
	p.err = make()
	return p.err
}

// jobRow is a row of Manager.ListJobs (man org.freedesktop.systemd1).
type jobRow struct {
	ID          uint32
	Unit        string
	Type        string
	State       string
	Path, Unit2 dbus.ObjectPath
}

// list subscribes and reads units and jobs.
func (l *link) list(ctx context.Context, to *listing) (err error) {
	if _, err = l.subscribe(ctx); err != nil {
		return err
	}
	to.since = monotonic() / 1000
	if to.host, err = l.host(ctx); err != nil {
		return err
	}
	if err = l.listUnits(ctx, to); err != nil {
		return fmt.Errorf("list systemd's units and jobs: %w", err)
	}
	l.w.count.resyncs.Add(1)
	return nil
}

// listUnits sends both calls at once. ListUnits has units and their jobs at one
// instant, which is where the listing stands among the signals. Jobs of type nop are in
// ListJobs only; one that is listed there was not removed before, so its JobRemoved follows.
func (l *link) listUnits(ctx context.Context, to *listing) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	l.mark(to)
	defer l.mark(nil)
	o := l.conn.Object(busName, busPath)
	calls := make(chan *dbus.Call, 2)
	units := o.GoWithContext(ctx, manager+".ListUnits", 0, calls)
	jobs := o.GoWithContext(ctx, manager+".ListJobs", 0, calls)
	<-calls
	<-calls
	var js []jobRow
	if err := errors.Join(units.Err, jobs.Store(&js)); err != nil {
		return err
	}
	if to.rows == nil { // listed has not been called
		return errors.New("the list of units has another form than " + unitRows)
	}
	to.seq, to.rows = units.ResponseSequence, append(to.rows, nops(js)...)
	return nil
}

func (l *link) mark(p *listing) {
	l.mu.Lock()
	l.marking = p
	l.mu.Unlock()
}

// nops are the jobs that are in no unit's row.
func nops(jobs []jobRow) (out []enrich.Listed) {
	for _, j := range jobs {
		if j.Type == "nop" {
			out = append(out, enrich.Listed{Unit: strings.Clone(j.Unit), Job: j.ID, JobType: "nop"})
		}
	}
	return out
}

// subscribe asks systemd for its signals; it reports whether we were not subscribed before.
func (l *link) subscribe(ctx context.Context) (bool, error) {
	err := l.call(ctx, busPath, manager+".Subscribe").Err
	var refused dbus.Error
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &refused) && refused.Name == busName+".AlreadySubscribed":
		return false, nil
	}
	return false, fmt.Errorf("subscribe to systemd's signals: %w", err)
}

// call makes a call and waits for its reply.
func (l *link) call(ctx context.Context, path, method string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return l.conn.Object(busName, dbus.ObjectPath(path)).CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...)
}

// host says whose signals these are.
func (l *link) host(ctx context.Context) (enrich.Host, error) {
	h := l.w.local()
	version, err := l.text(ctx, "Version")
	if err != nil {
		return h, fmt.Errorf("read systemd's version: %w", err)
	}
	virt, err := l.text(ctx, "Virtualization")
	if err != nil {
		return h, fmt.Errorf("read systemd's virtualization: %w", err)
	}
	h.Systemd, h.Container = version, container(virt)
	h.Finished = l.finished(ctx)
	if l.w.User {
		h.Manager, err = l.userManager(ctx)
	}
	return h, err
}

// finished is when the boot finished, 0 while it goes on or when it cannot be read.
func (l *link) finished(ctx context.Context) int64 {
	var v dbus.Variant
	if l.call(ctx, busPath, propsName+".Get", manager, "FinishTimestampMonotonic").Store(&v) != nil {
		return 0
	}
	at, _ := v.Value().(uint64)
	return int64(min(at, math.MaxInt64))
}

func (l *link) text(ctx context.Context, property string) (string, error) {
	var v dbus.Variant
	err := l.call(ctx, busPath, propsName+".Get", manager, property).Store(&v)
	s, _ := v.Value().(string)
	return strings.Clone(s), err
}

// userManager names the user manager by its uid and pid: each counts its jobs from 1.
func (l *link) userManager(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var uid, pid uint32
	bus := l.conn.BusObject()
	err := errors.Join(
		bus.CallWithContext(ctx, "org.freedesktop.DBus.GetConnectionUnixUser", 0, busName).Store(&uid),
		bus.CallWithContext(ctx, "org.freedesktop.DBus.GetConnectionUnixProcessID", 0, busName).Store(&pid))
	if err != nil {
		return "", fmt.Errorf("ask the bus who the user manager is: %w", err)
	}
	l.scan.table.uid.Store(uid)
	return userManager(int(uid), int(pid)), nil
}

func userManager(uid, pid int) string {
	return "user-" + strconv.Itoa(uid) + "-" + strconv.Itoa(pid)
}

// local is what is known of the host without the bus.
func (w *Watcher) local() enrich.Host {
	h := enrich.Host{Manager: "system"}
	if w.User {
		h.Manager = userManager(os.Getuid(), 0)
	}
	h.Name, _ = os.Hostname()
	id, _ := os.ReadFile(w.procDir() + "/sys/kernel/random/boot_id")
	h.BootID = strings.ReplaceAll(strings.TrimSpace(string(id)), "-", "")
	return h
}

// container says whether systemd's name for a virtualization is a container
// (systemd 257 src/basic/virt.c, virtualization_table).
func container(virt string) bool {
	switch virt {
	case "systemd-nspawn", "lxc-libvirt", "lxc", "openvz", "docker", "podman", "rkt",
		"wsl", "proot", "pouch", "container-other":
		return true
	}
	return false
}
