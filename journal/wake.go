package journal

import (
	"bytes"
	"encoding/binary"
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
	events  [4096]byte
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

// woken is why a wait ended.
type woken struct {
	files bool   // files came or went
	tails []tail // what was asked for
}

// wait blocks until a command, a change or the timeout (0: look only); io.EOF when
// the parent is gone.
func (w *waker) wait(timeout time.Duration) (why woken, err error) {
	fds := []unix.PollFd{{Fd: int32(w.stdin.Fd()), Events: unix.POLLIN}, {Fd: int32(w.inotify), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds, int(timeout/time.Millisecond)); err != nil && !errors.Is(err, unix.EINTR) {
		return why, fmt.Errorf("journal child: wait: %w", err)
	}
	if fds[1].Revents != 0 {
		why.files = w.drain()
	}
	if fds[0].Revents != 0 {
		why.tails, err = w.commands()
	}
	return why, err
}

// drain forgets what inotify said, but for whether files came or went: any word of it
// means "look".
func (w *waker) drain() (files bool) {
	for {
		n, err := unix.Read(w.inotify, w.events[:])
		if err != nil || n <= 0 {
			return files
		}
		files = files || moved(w.events[:n])
		if n < len(w.events)-unix.SizeofInotifyEvent-unix.NAME_MAX-1 {
			return files
		}
	}
}

// moved says whether one of the events is other than that a file was written to (inotify(7)).
func moved(events []byte) bool {
	for len(events) >= unix.SizeofInotifyEvent {
		if binary.NativeEndian.Uint32(events[4:]) != unix.IN_MODIFY {
			return true
		}
		name := int(binary.NativeEndian.Uint32(events[12:]))
		events = events[min(unix.SizeofInotifyEvent+name, len(events)):]
	}
	return false
}

// commands reads what the parent has written: lines "k", or "t" and a tail.
func (w *waker) commands() (tails []tail, err error) {
	var buf [4096]byte
	n, err := unix.Read(int(w.stdin.Fd()), buf[:])
	if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
		return nil, nil
	}
	if err != nil || n == 0 {
		return nil, io.EOF
	}
	w.partial = append(w.partial, buf[:n]...)
	for {
		line, rest, ok := bytes.Cut(w.partial, []byte("\n"))
		if !ok {
			return tails, nil
		}
		w.partial = rest
		var t tail
		if len(line) > 1 && line[0] == 't' && json.Unmarshal(line[1:], &t) == nil {
			tails = append(tails, t)
		}
	}
}
