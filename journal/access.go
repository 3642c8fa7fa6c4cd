package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var (
	// ErrPermission is a journal that this user may not read.
	ErrPermission = errors.New("no permission to read the system journal: join the group systemd-journal (usermod -aG systemd-journal USER, then log in again; SupplementaryGroups=systemd-journal in a unit)")
	// ErrEmpty is a place without journal files.
	ErrEmpty = errors.New("no journal files: is systemd-journald running, and Storage= not none?")
)

func (w where) String() string {
	switch {
	case len(w.Files) > 0:
		return strings.Join(w.Files, ", ")
	case w.Directory != "":
		return "journal in " + w.Directory
	}
	return "the local journal"
}

// dirs are the directories whose files make up the journal, those that are
// there: sd_journal_open takes in this machine's, sd_journal_open_directory all
// one level below.
func (w where) dirs() []string {
	if len(w.Files) > 0 {
		return nil
	}
	if w.Directory != "" {
		sub, _ := filepath.Glob(filepath.Join(w.Directory, "*", "*.journal"))
		dirs := []string{w.Directory}
		for _, f := range sub {
			if d := filepath.Dir(f); d != dirs[len(dirs)-1] {
				dirs = append(dirs, d)
			}
		}
		return dirs
	}
	id, _ := os.ReadFile("/etc/machine-id")
	var dirs []string
	for _, root := range []string{"/run/log/journal", "/var/log/journal"} {
		for _, d := range []string{root, filepath.Join(root, strings.TrimSpace(string(id)))} {
			if _, err := os.Stat(d); err == nil {
				dirs = append(dirs, d)
			}
		}
	}
	return dirs
}

// files are the journal's files, damaged ones (.journal~) included.
func (w where) files() []string {
	files := w.Files
	for _, d := range w.dirs() {
		found, _ := filepath.Glob(filepath.Join(d, "*.journal*"))
		files = append(files, found...)
	}
	return files
}

// readable says why the journal cannot be read: libsystemd itself opens what it
// may and says nothing of the rest.
// A user may read what his own manager logs where the journal is persistent
// (user-UID.journal), not what PID 1 does (system.journal), and nothing of a volatile one.
func (w where) readable(m manager) error {
	if err := w.shut(m); err != nil {
		return err
	}
	readable := 0
	var denied, system error
	for _, path := range w.files() {
		f, err := os.Open(path)
		switch {
		case err == nil:
			readable++
			f.Close()
		case errors.Is(err, fs.ErrPermission):
			denied = fmt.Errorf("%w: %w", ErrPermission, err)
			if filepath.Base(path) == m.file() {
				system = denied
			}
		case len(w.Files) > 0:
			return err
		}
	}
	switch {
	case system != nil:
		return system
	case readable > 0:
		return nil
	case denied != nil:
		return denied
	}
	if _, err := os.Stat(w.Directory); w.Directory != "" && err != nil {
		return err
	}
	return fmt.Errorf("read %s: %w", w, ErrEmpty)
}

// shut says that a directory of the local journal may not be looked into. journald keeps
// /run/log/journal/ID, closed to others, only as long as it writes there (systemd 252
// src/journal/journald-server.c server_flush_to_var): all that is logged now is in it.
func (w where) shut(m manager) error {
	for _, d := range w.dirs() {
		f, err := os.Open(d)
		switch {
		case err == nil:
			f.Close()
		case !errors.Is(err, fs.ErrPermission):
		case m.user:
			return fmt.Errorf("%w; or make the journal persistent (mkdir /var/log/journal), of which each user may read his own part: %w", ErrPermission, err)
		default:
			return fmt.Errorf("%w: %w", ErrPermission, err)
		}
	}
	return nil
}

// damaged names the files that libsystemd leaves out without a word, of those
// changed since a time: no journal header, or cut shorter than the header says. A file
// that looks so may be in the making, so it gets a second look.
func (w where) damaged(since time.Time) []string { return damagedOf(w.files(), since) }

func damagedOf(files []string, since time.Time) []string {
	suspect := func(path string) bool { return !sound(path, since) }
	bad := filter(files, suspect)
	if len(bad) > 0 {
		time.Sleep(makingWait)
		bad = filter(bad, suspect)
	}
	return bad
}

// makingWait is how long journald may take from making a file to writing its header.
const makingWait = 20 * time.Millisecond

func filter(paths []string, keep func(string) bool) (kept []string) {
	for _, p := range paths {
		if keep(p) {
			kept = append(kept, p)
		}
	}
	return kept
}

// sound says whether a file changed since a time is a whole journal file; what
// cannot be opened, and what is still empty, counts as sound.
func sound(path string, since time.Time) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 || info.ModTime().Before(since) {
		return true
	}
	head := make([]byte, headerSize)
	_, err = f.ReadAt(head, 0)
	return err == nil && soundHeader(head, info.Size())
}

// headerSize is as much of a file's header as is looked at.
const headerSize = 104

// soundHeader checks what a journal file begins with (systemd's Journal File
// Format): 8 bytes of signature, and at 88 and 96 the sizes of header and arena.
func soundHeader(head []byte, size int64) bool {
	if len(head) < headerSize || string(head[:8]) != "LPKSHHRH" {
		return false
	}
	header := binary.LittleEndian.Uint64(head[88:])
	arena := binary.LittleEndian.Uint64(head[96:])
	return header >= 208 && header < 1<<20 && arena < 1<<62 && header+arena <= uint64(size)
}
