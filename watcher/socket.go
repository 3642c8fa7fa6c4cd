package watcher

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A socket is a connection that wakes nobody up unless somebody waits for it. Go's own
// tells its poller of all that arrives, so that in a storm every signal wakes the process, even
// while the signals are left to gather (see pacer): that alone made half of all switches of threads.
// This one has a poller of its own in front of Go's, armed only while Read waits
// (epoll_ctl(2), EPOLLONESHOT). Reads themselves are raw: see readFile.
type socket struct {
	ready *os.File // the poller; Go's watches it
	raw   syscall.RawConn

	mu     sync.RWMutex // held for writing by Close alone
	fd     int          // does not block
	closed bool
}

// dialSocket connects to a unix socket; an abstract one begins with "@".
func dialSocket(path string) (*socket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &socket{fd: fd}
	if err = unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		err = os.NewSyscallError("connect", err)
	} else {
		err = s.poll()
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return s, nil
}

// poll makes the poller, not armed yet.
func (s *socket) poll() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err = unix.SetNonblock(fd, true); err == nil {
		err = unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, s.fd, &unix.EpollEvent{Events: unix.EPOLLONESHOT})
	}
	s.ready = os.NewFile(uintptr(fd), "epoll")
	if err == nil {
		s.raw, err = s.ready.SyscallConn()
	}
	if err != nil {
		_ = s.ready.Close()
		return fmt.Errorf("watch the socket: %w", err)
	}
	return nil
}

// Read waits until there is something to read.
func (s *socket) Read(p []byte) (int, error) {
	for {
		n, err := s.read(p)
		if err != unix.EAGAIN && err != unix.EINTR {
			return n, err
		}
		if err == unix.EAGAIN {
			if err = s.wait(); err != nil {
				return 0, err
			}
		}
	}
}

func (s *socket) read(p []byte) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, e := readRaw(s.fd, p)
	switch {
	case e != 0:
		return 0, e
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// wait arms the poller and waits for it.
func (s *socket) wait() error {
	var event [1]unix.EpollEvent
	err := s.arm()
	if err != nil {
		return err
	}
	return s.raw.Read(func(fd uintptr) bool {
		n, err := unix.EpollWait(int(fd), event[:], 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}

func (s *socket) arm() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return net.ErrClosed
	}
	var err error
	if e := s.raw.Control(func(fd uintptr) {
		err = unix.EpollCtl(int(fd), unix.EPOLL_CTL_MOD, s.fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT})
	}); e != nil {
		return e
	}
	return os.NewSyscallError("epoll_ctl", err)
}

// Write writes all of p. The bus takes what is sent at once, or nearly so.
func (s *socket) Write(p []byte) (n int, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for n < len(p) {
		if s.closed {
			return n, net.ErrClosed
		}
		m, err := unix.SendmsgN(s.fd, p[n:], nil, nil, unix.MSG_NOSIGNAL)
		n += max(0, m)
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}, -1)
		default:
			return n, os.NewSyscallError("sendmsg", err)
		}
	}
	return n, nil
}

// Close ends reads and writes that are under way.
func (s *socket) Close() error {
	_ = s.ready.Close()
	s.shutdown()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.closed = true
	return unix.Close(s.fd)
}

// shutdown makes a write that waits for room fail.
func (s *socket) shutdown() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed {
		_ = unix.Shutdown(s.fd, unix.SHUT_RDWR)
	}
}
