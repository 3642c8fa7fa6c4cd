package watcher

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// readFile reads the beginning of a file below a directory into buf; path ends in a zero byte.
// It gives how much was read, 0 when it cannot be.
//
// Go's scheduler is told nothing of these system calls: procfs answers from memory, within
// a microsecond or two, and for each call that it is told of, the scheduler's monitor wakes up and the
// next goroutine may be moved to another thread. A scan makes dozens of calls in a row.
func readFile(dir int, path, buf []byte) int {
	fd, _, e := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(&path[0])), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
	if e != 0 {
		return 0
	}
	n, _ := readRaw(int(fd), buf)
	unix.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
	return n
}

// readRaw reads what is there; buf is not empty. It gives 0 and an error where that fails.
func readRaw(fd int, buf []byte) (int, unix.Errno) {
	n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	if e != 0 || int(n) < 0 {
		return 0, e
	}
	return int(n), 0
}
