package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// idleWake is how often a child looks without having been woken.
	idleWake = 2 * time.Second
	// pollWake is the same where inotify cannot be had.
	pollWake = 250 * time.Millisecond

	watched = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_MODIFY | unix.IN_DELETE | unix.IN_ONLYDIR
)

// A tail asks for the last lines that a unit itself logged in one run.
type tail struct {
	Unit       string
	Invocation string
	Lines      int
}

// A waker waits for the parent's commands and for changes of the journal's
// directories at once. sd_journal has a descriptor of its own, but go-systemd
// gives no access to it and its Wait cannot be interrupted; a second inotify
// costs nothing while nothing happens, and commands are served at once.
type waker struct {
	stdin   *os.File
	inotify int // -1: none, poll
	partial []byte
}

func newWaker(stdin *os.File, dirs []string) *waker {
	w := &waker{stdin: stdin, inotify: -1}
	if fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err == nil {
		w.inotify = fd
		w.watch(dirs)
	}
	return w
}

// watch adds directories; those watched already stay as they are.
func (w *waker) watch(dirs []string) {
	added := w.inotify < 0
	for _, d := range dirs {
		if _, err := unix.InotifyAddWatch(w.inotify, d, watched); err == nil {
			added = true
		}
	}
	if !added {
		w.close()
	}
}

func (w *waker) close() {
	if w.inotify >= 0 {
		unix.Close(w.inotify)
		w.inotify = -1
	}
}

// wait blocks until a command, a change or the timeout (0: look only). It gives
// the tails asked for and how many kicks came; io.EOF when the parent is gone.
func (w *waker) wait(timeout time.Duration) (tails []tail, kicks int, err error) {
	fds := []unix.PollFd{{Fd: int32(w.stdin.Fd()), Events: unix.POLLIN}, {Fd: int32(w.inotify), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds, int(timeout/time.Millisecond)); err != nil && !errors.Is(err, unix.EINTR) {
		return nil, 0, fmt.Errorf("journal child: wait: %w", err)
	}
	if fds[1].Revents != 0 {
		w.drain()
	}
	if fds[0].Revents == 0 {
		return nil, 0, nil
	}
	return w.commands()
}

// drain forgets what inotify said: any word of it means "look".
func (w *waker) drain() {
	var buf [4096]byte
	for {
		if n, err := unix.Read(w.inotify, buf[:]); err != nil || n < len(buf)-unix.SizeofInotifyEvent-unix.NAME_MAX {
			return
		}
	}
}

// commands reads what the parent has written: lines "k", or "t" and a tail.
func (w *waker) commands() (tails []tail, kicks int, err error) {
	var buf [4096]byte
	n, err := unix.Read(int(w.stdin.Fd()), buf[:])
	if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
		return nil, 0, nil
	}
	if err != nil || n == 0 {
		return nil, 0, io.EOF
	}
	w.partial = append(w.partial, buf[:n]...)
	for {
		line, rest, ok := bytes.Cut(w.partial, []byte("\n"))
		if !ok {
			return tails, kicks, nil
		}
		w.partial = rest
		var t tail
		if len(line) > 1 && line[0] == 't' && json.Unmarshal(line[1:], &t) == nil {
			tails = append(tails, t)
		} else {
			kicks++
		}
	}
}
