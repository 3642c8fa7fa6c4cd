package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A meter reads what a row costs. CPU time comes from cpu.stat of the row's cgroup:
// the scheduler's own count, exact to the microsecond, of all its processes and threads, those
// that have ended included. (/proc/PID/stat counts ticks of 10 ms, and loses threads.)
type meter struct {
	init   int    // PID 1, as the host numbers it
	cgroup string // of the row, as the host sees it; "" for none
	bus    string // of dbus-daemon
}

// usage is CPU time used until at.
type usage struct {
	at             time.Time
	row, init, bus time.Duration
}

func newMeter(init int, unit string) meter {
	root := fmt.Sprintf("/proc/%d/root/sys/fs/cgroup/system.slice/", init)
	m := meter{init: init, bus: root + "dbus.service"}
	if unit != "" {
		m.cgroup = root + unit
	}
	return m
}

func (m meter) read() (u usage, err error) {
	if m.cgroup != "" {
		if u.row, err = cpuTime(m.cgroup); err != nil {
			return u, err
		}
	}
	if u.bus, err = cpuTime(m.bus); err != nil {
		return u, err
	}
	// PID 1's cgroup has its children until they move to their own: so its own count.
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", m.init))
	if err != nil {
		return u, err
	}
	_, err = fmt.Sscan(string(stat), &u.init)
	u.at = time.Now()
	return u, err
}

// cpuTime reads a cgroup's usage_usec (Documentation/admin-guide/cgroup-v2.rst).
func cpuTime(cgroup string) (time.Duration, error) {
	stat, err := os.ReadFile(filepath.Join(cgroup, "cpu.stat"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(stat, []byte("usage_usec "))
	var us int64
	if _, err := fmt.Sscan(string(rest), &us); err != nil {
		return 0, fmt.Errorf("no usage_usec in %s: %w", cgroup, err)
	}
	return time.Duration(us) * time.Microsecond, nil
}

// pids are the row's processes.
func (m meter) pids() (pids []int) {
	list, _ := os.ReadFile(filepath.Join(m.cgroup, "cgroup.procs"))
	for _, field := range strings.Fields(string(list)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// memory is the anonymous memory of the row's processes, bytes: what they share with a
// file, be it a program or a journal, is the page cache's.
func (m meter) memory() (sum int64) {
	if m.cgroup == "" {
		return 0
	}
	for _, pid := range m.pids() {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, rest, _ := bytes.Cut(status, []byte("RssAnon:"))
		var kb int64
		if _, err := fmt.Sscan(string(rest), &kb); err == nil {
			sum += kb << 10
		}
	}
	return sum
}

const sampleEvery = 50 * time.Millisecond

// peak samples memory until the function that it returns is called, which gives the most.
func (m meter) peak() func() int64 {
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		top := m.memory()
		for {
			select {
			case <-stop:
				most <- top
				return
			case <-time.After(sampleEvery):
				top = max(top, m.memory())
			}
		}
	}()
	return func() int64 { close(stop); return <-most }
}
