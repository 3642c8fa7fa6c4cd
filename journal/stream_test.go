package journal

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"sdwhy/enrich"
)

// mixed are lines of PID 1 and of others in turns of random length, some of PID 1 that
// both streams find.
func mixed(from, to int, random *rand.Rand) (lines []line, texts []string) {
	others := random.IntN(2) == 0
	for i := from; i < to; i++ {
		text := fmt.Sprintf("line %d", i)
		l := pid1(i, "x.service", text)
		switch {
		case random.IntN(50) == 0:
			others = !others
		case random.IntN(20) == 0:
			l.fields = append(l.fields, "MESSAGE_ID="+enrich.MsgSpawnFailed)
		case others:
			l.fields = []string{"_PID=9", "MESSAGE_ID=" + enrich.MsgSpawnFailed, "UNIT=y.service", "MESSAGE=" + text}
		}
		lines, texts = append(lines, l), append(texts, text)
	}
	return lines, texts
}

// TestOrder: the manager's own entries and the rest are read apart, and come in the
// journal's order, each once: of the past, after a restart in the middle, and live.
func TestOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	lines, texts := mixed(0, 1540, random)
	write(t, dir, "a.journal", lines[:700]...)
	write(t, dir, "b.journal", lines[700:1500]...)
	f := run(t, &Follower{Directory: dir, Since: 1})
	all := f.until("up", isUp)
	for n := 1500; n < len(lines); {
		next := min(n+1+random.IntN(5), len(lines))
		write(t, dir, fmt.Sprintf("c%d.journal", n), lines[n:next]...)
		f.Kick()
		all = append(all, f.until("the next lines", says(texts[next-1]))...)
		n = next
	}
	if diff := cmp.Diff(texts, messages(all)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	for _, at := range []int{3, 640, 699, 700, 1111} {
		cursor := ""
		for _, o := range all {
			if o.Entry.Message == texts[at] {
				cursor = o.Entry.Cursor
			}
		}
		again := run(t, &Follower{Directory: dir, Cursor: cursor}).until("up", isUp)
		if diff := cmp.Diff(texts[at+1:], messages(again)); diff != "" || isLost(again[0]) {
			t.Errorf("after line %d (-want +got):\n%s", at, diff)
		}
	}
}

// TestNext: what is not known to come next waits.
func TestNext(t *testing.T) {
	frames := func(sequences ...int) (queue [][]byte) {
		for _, i := range sequences {
			r := record{fields: [fieldCount]string{fCursor: fmt.Sprintf("s=a;i=%x", i)}}
			queue = append(queue, appendFrame(nil, frameEntry, appendRecord(nil, &r)))
		}
		return queue
	}
	all, more := true, false
	tests := []struct {
		name        string
		main, rest  *stream
		known       bool
		want        string // the cursor's end; "" waits
		left, other int    // in the queues afterwards
	}{
		{"the manager's is earlier", &stream{queue: frames(1, 2)}, &stream{queue: frames(3)}, false, "1", 1, 1},
		{"the rest's is earlier", &stream{queue: frames(4)}, &stream{queue: frames(3)}, false, "3", 1, 0},
		{"one entry, found by both", &stream{queue: frames(3)}, &stream{queue: frames(3)}, false, "3", 0, 0},
		{"there is nothing of the rest", &stream{queue: frames(1)}, &stream{ended: all}, false, "1", 0, 0},
		{"the rest was not looked at", &stream{queue: frames(1)}, &stream{ended: more}, false, "", 1, 0},
		{"nothing of the manager's came before", &stream{ended: all}, &stream{queue: frames(3)}, true, "3", 0, 0},
		{"the manager's were looked at before", &stream{ended: all}, &stream{queue: frames(3)}, false, "", 0, 1},
		{"there may be more of the manager's", &stream{ended: more}, &stream{queue: frames(3)}, true, "", 0, 1},
		{"nothing", &stream{ended: all}, &stream{ended: all}, true, "", 0, 0},
	}
	for _, tt := range tests {
		got := ""
		if f := (&tailer{main: tt.main, rest: tt.rest}).next(tt.known); f != nil {
			_, got, _ = strings.Cut(string(rawCursor(f[frameHead:])), "i=")
		}
		if got != tt.want || len(tt.main.queue) != tt.left || len(tt.rest.queue) != tt.other {
			t.Errorf("%s: got %q, left %d and %d", tt.name, got, len(tt.main.queue), len(tt.rest.queue))
		}
	}
}

// TestStale: a kick costs no look for files; one that came or went does, and for a while
// each wake after it.
func TestStale(t *testing.T) {
	start := time.Unix(1000, 0)
	tests := []struct {
		name    string
		t       tailer
		inotify int
		files   bool
		want    bool
	}{
		{"just looked", tailer{refreshed: start}, 1, false, false},
		{"looked some time ago", tailer{refreshed: start.Add(-idleWake)}, 1, false, true},
		{"a file came", tailer{refreshed: start}, 1, true, true},
		{"a file came a second ago", tailer{refreshed: start, moved: start.Add(-time.Second)}, 1, false, true},
		{"a file came long ago", tailer{refreshed: start, moved: start.Add(-time.Hour)}, 1, false, false},
		{"no inotify", tailer{refreshed: start}, -1, false, true},
		{"libsystemd has no inotify", tailer{refreshed: start, polling: true}, 1, false, true},
	}
	for _, tt := range tests {
		tt.t.wake = &waker{inotify: tt.inotify}
		if got := tt.t.stale(start, tt.files); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestCompareCursors(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"s=a;i=9;b=x;m=2;t=2", "s=a;i=a;b=x;m=1;t=1", -1},
		{"s=a;i=9;b=x;m=2;t=1", "s=b;i=a;b=x;m=1;t=2", 1},
		{"s=a;i=9;b=x;m=2;t=1", "s=b;i=9;b=y;m=1;t=2", -1},
		{"s=a;i=9;b=x;m=2;t=1", "s=a;i=9;b=x;m=2;t=1", 0},
	}
	for _, tt := range tests {
		if got := parseCursor(tt.a).compare(parseCursor(tt.b)); got != tt.want {
			t.Errorf("%s against %s: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestMoved(t *testing.T) {
	event := func(mask uint32, name string) []byte {
		b := binary.NativeEndian.AppendUint32(nil, 1)
		b = binary.NativeEndian.AppendUint32(b, mask)
		b = binary.NativeEndian.AppendUint32(b, 0)
		b = binary.NativeEndian.AppendUint32(b, uint32(len(name)))
		return append(b, name...)
	}
	written := event(unix.IN_MODIFY, "a.journal\x00\x00\x00")
	tests := []struct {
		name   string
		events []byte
		want   bool
	}{
		{"none", nil, false},
		{"written", append(written, written...), false},
		{"written and made", append(written, event(unix.IN_CREATE, "b.journal\x00")...), true},
		{"overflow", event(unix.IN_Q_OVERFLOW, ""), true},
		{"cut", written[:len(written)-3], false},
	}
	for _, tt := range tests {
		if got := moved(tt.events); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
