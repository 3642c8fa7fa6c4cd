package watcher

import (
	"bytes"
	"encoding/binary"
	"os"
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

	fd   int // of dir, -1 while it is not open
	ents [1 << 15]byte
	buf  [readLimit]byte
	path []byte
	pids []pid
	calm calm

	cache cache
}

// A pid is an entry of /proc. Its inode number tells it from an earlier process of that pid:
// the kernel makes a new one for each process, and exec keeps it (fs/proc/base.c).
type pid struct {
	pid int
	ino uint64
}

func newTable(dir string, user bool) *table {
	t := &table{dir: dir, user: user, self: os.Getpid(), fd: -1}
	t.uid.Store(uint32(os.Getuid()))
	return t
}

func (t *table) close() {
	if t.fd >= 0 {
		_ = unix.Close(t.fd)
		t.fd = -1
	}
}

// clients gives the processes that may have asked systemd for something. A process that
// vanishes while it is read is left out.
func (t *table) clients() []enrich.Client {
	t.list()
	t.calm.begin(time.Now())
	t.cache.begin()
	var found []process
	reads := 0
	for _, p := range t.pids {
		if p.pid == t.self || p.pid == 1 || t.calm.skip(p) {
			continue
		}
		if reads++; reads > maxPIDs || len(found) == maxClients {
			break
		}
		comm := t.read(p.pid, "comm")
		t.calm.saw(p, comm)
		if !isClient(comm) {
			continue
		}
		if c, ok := t.client(p, comm); ok {
			found = append(found, c)
		}
	}
	t.calm.end()
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
	if ok {
		t.cache.put(p, cached{comm, cmdline, c})
	}
	return c, ok
}

// list reads the pids, youngest number first: the one who asked has often just begun.
func (t *table) list() {
	t.pids = t.pids[:0]
	if t.fd < 0 {
		fd, err := unix.Open(t.dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		t.fd = fd
	}
	if _, err := unix.Seek(t.fd, 0, unix.SEEK_SET); err != nil {
		t.close()
		return
	}
	for {
		n, err := unix.Getdents(t.fd, t.ents[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		t.pids = appendPIDs(t.pids, t.ents[:n])
	}
	slices.Reverse(t.pids)
}

// appendPIDs reads struct linux_dirent64 (man getdents): the inode at 0, the record's
// length at 16, its name from 19 on. Names that are no number are not processes.
func appendPIDs(pids []pid, ents []byte) []pid {
	for len(ents) >= 19 {
		size := int(binary.NativeEndian.Uint16(ents[16:]))
		if size < 19 || size > len(ents) {
			break
		}
		if n := number(ents[19:size]); n > 0 {
			pids = append(pids, pid{n, binary.NativeEndian.Uint64(ents)})
		}
		ents = ents[size:]
	}
	return pids
}

// number reads a name that ends at a zero byte as a pid; 0 for any other.
func number(name []byte) int {
	n := 0
	for _, c := range name {
		switch {
		case c == 0:
			return n
		case !isDigit(c) || n > 1<<30:
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// read gives the beginning of a process's file; it is valid until the next read. Nil is
// a file that cannot be read.
func (t *table) read(pid int, name string) []byte {
	t.path = strconv.AppendInt(t.path[:0], int64(pid), 10)
	t.path = append(append(t.path, '/'), name...)
	fd, err := openat(t.fd, t.path)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, t.buf[:])
	if err != nil || n <= 0 {
		return nil
	}
	return t.buf[:n]
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
