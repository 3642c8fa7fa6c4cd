package watcher

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sdwhy/enrich"
)

const (
	maxPIDs      = 4096 // read in one scan, highest pids first
	yieldEvery   = 64   // pids: a third of a millisecond. Other goroutines may have the same CPU
	maxAncestors = 16
	maxClients   = 64
	readLimit    = 64 << 10 // of any file of a process: one command line may name hundreds of units
)

// A table reads processes from a procfs. It belongs to one goroutine.
type table struct {
	dir   string
	user  bool          // look for clients of a user manager
	uid   atomic.Uint32 // whose
	self  int
	users users

	fd    int  // of dir, -1 while it is not open
	seeks bool // it can be read from a pid on
	ents  [1 << 10]byte
	buf   [readLimit]byte
	path  []byte

	newest      int   // the pid given last when the last scan began, 0 for not known
	recent      []pid // the last that it found to have come up
	turn        int   // where the look at the others goes on
	pids, found []pid
	fickle      fickle
	cache       cache
}

func newTable(dir string, user bool) *table {
	t := &table{dir: dir, user: user, self: os.Getpid(), fd: -1, fickle: fickle{}}
	t.uid.Store(uint32(os.Getuid()))
	return t
}

func (t *table) close() {
	if t.fd >= 0 {
		_ = unix.Close(t.fd)
		t.fd = -1
	}
}

// clients gives the processes that may have asked systemd for something, read youngest number
// first: the one who asked has often just begun. A process that vanishes while it is read is
// left out.
func (t *table) clients() []process {
	t.list()
	slices.SortFunc(t.pids, func(a, b pid) int { return b.pid - a.pid })
	t.cache.begin()
	now := time.Now()
	var found []process
	for i, p := range t.pids {
		if i == maxPIDs || len(found) == maxClients {
			break
		}
		if i%yieldEvery == yieldEvery-1 {
			runtime.Gosched()
		}
		if p.pid == t.self || p.pid == 1 {
			continue
		}
		comm := t.read(p.pid, "comm")
		if t.fickle.saw(p, comm, now); len(comm) == 0 {
			t.recent = slices.DeleteFunc(t.recent, func(r pid) bool { return r == p }) // if it is not gone, it is new
		}
		if !isClient(comm) {
			continue
		}
		if c, ok := t.client(p, comm); ok {
			found = append(found, c)
		}
	}
	return choose(found)
}

// client gives a process whose comm is a client's, read anew where it is not known. comm is
// valid until the next read.
func (t *table) client(p pid, comm []byte) (process, bool) {
	comm = bytes.Clone(comm)
	cmdline := t.read(p.pid, "cmdline")
	if k, ok := t.cache.get(p, comm, cmdline); ok {
		return k.process, true
	}
	cmdline = bytes.Clone(cmdline)
	c, ok := t.process(p.pid, cmdline)
	c.ino = p.ino
	if ok {
		t.cache.put(p, cached{comm, cmdline, c})
	}
	return c, ok
}

// read gives the beginning of a process's file; it is valid until the next read. Nil is
// a file that cannot be read.
func (t *table) read(pid int, name string) []byte {
	t.path = strconv.AppendInt(t.path[:0], int64(pid), 10)
	t.path = append(append(t.path, '/'), name...)
	return t.file(t.path)
}

// file does what read does, for any file.
func (t *table) file(path []byte) []byte {
	n := readFile(t.fd, append(path, 0), t.buf[:])
	if n == 0 {
		return nil
	}
	return t.buf[:n]
}

// alive says whether a process that was read is still there, and has not ended: the dead have no
// command line.
func (t *table) alive(p process) bool {
	var stat unix.Stat_t
	return unix.Fstatat(t.fd, strconv.Itoa(p.PID), &stat, 0) == nil && stat.Ino == p.ino && len(t.read(p.PID, "cmdline")) > 0
}

// seeProc says whether other users' processes can be seen in dir: PID 1 is one.
func seeProc(dir string) enrich.Witness {
	w := enrich.Witness{Name: enrich.WitnessProc, Up: true}
	if _, err := os.ReadFile(dir + "/1/stat"); err != nil {
		w.Up = false
		w.Why = "cannot see other users' processes (hidepid=, ProtectProc= or no /proc): " + strings.ToLower(err.Error())
	}
	return w
}
