package journal

import (
	"cmp"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A span is a journal file and the time that its entries are of, µs since the epoch, both
// included, as its header has it. journald starts a new file when the clock goes
// backwards, so within one it only rises (journald-server.c, "Time jumped backwards").
type span struct {
	path     string
	from, to int64
}

// spans are the journal's files that can be read, the oldest first, and those that look
// damaged. One whose header does not say may have entries of any time.
func (w where) spans() (list []span, suspect []string) {
	for _, path := range w.files() {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		head := make([]byte, spanHeader)
		n, _ := f.ReadAt(head, 0)
		info, err := f.Stat()
		f.Close()
		switch {
		case err != nil || info.Size() == 0:
		case soundHeader(head[:n], info.Size()):
			from, to := spanOf(head)
			list = append(list, span{path, from, to})
		default:
			suspect = append(suspect, path)
		}
	}
	slices.SortStableFunc(list, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return list, suspect
}

const (
	// spanHeader is as much of the header as tells the time: every version has as much.
	spanHeader    = 208
	stateArchived = 2
)

// spanOf reads a header's state (at 16), and the times of the first entry (184) and the last
// (192) (systemd's Journal File Format). A file that is still written to has no end.
func spanOf(head []byte) (from, to int64) {
	first, last := binary.LittleEndian.Uint64(head[184:]), binary.LittleEndian.Uint64(head[192:])
	if first == 0 || first > math.MaxInt64 || last < first || last > math.MaxInt64 {
		return 0, math.MaxInt64
	}
	if head[16] != stateArchived {
		last = math.MaxInt64
	}
	return int64(first), int64(last)
}

// within are the files that may have entries of a range; 0 is an open end.
func within(list []span, from, to int64) []span {
	return slices.DeleteFunc(slices.Clone(list), func(s span) bool {
		return s.to < from || to != 0 && s.from > to
	})
}

// chapters are the files in groups that follow each other in time, the oldest first: read from
// the last one back, most questions are answered by one or two, and the rest is never opened.
func chapters(list []span) (groups [][]span) {
	var end int64
	for _, s := range list {
		if n := len(groups); n > 0 && s.from <= end {
			groups[n-1] = append(groups[n-1], s)
		} else {
			groups = append(groups, []span{s})
		}
		end = max(end, s.to)
	}
	return groups
}

// upTo is the end of a chapter, or a time before; 0 is an open end.
func upTo(until int64, chapter []span) int64 {
	end := slices.MaxFunc(chapter, func(a, b span) int { return cmp.Compare(a.to, b.to) }).to
	switch {
	case until != 0:
		return min(until, end)
	case end == math.MaxInt64:
		return 0
	}
	return end
}

// apart parts the files of users from the rest: journald keeps one for each uid that is no
// system user's (journald.conf(5), SplitMode=).
func apart(list []span) (system, users []span) {
	for _, s := range list {
		if strings.HasPrefix(filepath.Base(s.path), "user-") {
			users = append(users, s)
		} else {
			system = append(system, s)
		}
	}
	return system, users
}

func paths(list []span) []string {
	var all []string
	for _, s := range list {
		all = append(all, s.path)
	}
	return all
}
