package journal

import (
	"context"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

func TestChapters(t *testing.T) {
	s := func(path string, from, to int64) span { return span{path, from, to} }
	for name, tt := range map[string]struct {
		files []span
		want  [][]string
	}{
		"none":              {},
		"one after another": {[]span{s("a", 1, 5), s("b", 6, 9), s("c", 10, math.MaxInt64)}, [][]string{{"a"}, {"b"}, {"c"}}},
		"overlapping":       {[]span{s("a", 1, 5), s("b", 5, 9), s("c", 10, 12)}, [][]string{{"a", "b"}, {"c"}}},
		"one over all":      {[]span{s("u", 1, math.MaxInt64), s("a", 2, 5), s("b", 6, 9)}, [][]string{{"u", "a", "b"}}},
		"of any time":       {[]span{s("odd", 0, math.MaxInt64), s("a", 2, 5)}, [][]string{{"odd", "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got [][]string
			for _, group := range chapters(tt.files) {
				got = append(got, paths(group))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("chapters (-want +got)\n%s", diff)
			}
		})
	}
}

func TestWithin(t *testing.T) {
	files := []span{{"a", 10, 20}, {"b", 21, 30}, {"c", 31, math.MaxInt64}}
	for _, tt := range []struct {
		from, to int64
		want     []string
	}{
		{0, 0, []string{"a", "b", "c"}}, {20, 21, []string{"a", "b"}}, {25, 25, []string{"b"}}, {40, 0, []string{"c"}}, {1, 9, nil},
	} {
		if diff := cmp.Diff(tt.want, paths(within(files, tt.from, tt.to))); diff != "" {
			t.Errorf("from %d to %d (-want +got)\n%s", tt.from, tt.to, diff)
		}
	}
}

// TestPastByChapters: whatever the files that a journal is cut into, the entries are those that
// one reading of the whole gives, and a child's word that stands in a user's file is among them.
func TestPastByChapters(t *testing.T) {
	dir := t.TempDir()
	started := func(at int) line { return pid1(at, "a.service", "Started a.", "MESSAGE_ID="+enrich.MsgStarted) }
	archive(t, write(t, dir, "system@1.journal", started(1), started(2)))
	archive(t, write(t, dir, "system@2.journal", started(3), started(5)))
	write(t, dir, "system.journal", started(6))
	write(t, dir, "user-1000.journal", line{4, []string{"_PID=77", "_UID=1000", "UNIT=a.service", "MESSAGE_ID=" + enrich.MsgSpawnFailed}})

	at := func(seconds int) int64 { return epoch + int64(seconds)*1e6 }
	for name, tt := range map[string]struct {
		q    Query
		want []int // seconds; a user's file comes just before its chapter
	}{
		"all":     {Query{}, []int{6, 4, 5, 3, 2, 1}},
		"a limit": {Query{Limit: 1}, []int{6}},
		"a range": {Query{Since: at(2), Until: at(4)}, []int{4, 3, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := OpenPast(Query{Directory: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			var got []int
			tt.q.Units, tt.q.Reverse = []string{"a.service"}, true
			err = p.Read(context.Background(), tt.q, func(e enrich.Entry) bool {
				got = append(got, int((e.Time-epoch)/1e6))
				return true
			})
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
		})
	}
}

// archive marks a file as one that is written to no more.
func archive(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[16] = stateArchived
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
