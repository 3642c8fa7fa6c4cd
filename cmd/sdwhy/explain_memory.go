package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sdwhy/enrich"
)

// A memory is what has been read of the past: entries by boot, and verdicts.
type memory struct {
	boot    string // the only boot wanted, "" any
	user    string // "user-UID", "" for the system's manager
	entries map[string]*enrich.Entry
	mine    map[string]bool // cursors of entries of the units asked for
	boots   map[life]*pastBoot
	from    map[string]int64 // units that were not read to their beginning: up to when
	told    map[string]enrich.Event
	configs *configs // nil where the units' configuration cannot be known
}

// A pastBoot is what is known of one boot, or of one life of a user's manager.
type pastBoot struct {
	life
	manager  string
	finished int64 // when StartupFinished was logged, CLOCK_REALTIME µs; 0 unknown
	whole    bool  // its beginning has been read
	first    int64 // the oldest entry of the units asked for
	downs    []enrich.Entry
}

// An interval is a stretch of time, µs since the epoch.
type interval struct{ from, to int64 }

func (m *memory) reset() {
	*m = memory{boot: m.boot, user: m.user, configs: m.configs, entries: map[string]*enrich.Entry{}, mine: map[string]bool{}, boots: map[life]*pastBoot{},
		from: map[string]int64{}, told: map[string]enrich.Event{}}
}

// add remembers an entry; mine says that it is of a unit asked for.
func (m *memory) add(e enrich.Entry, mine bool) {
	if e.Source == enrich.SourceVerdict {
		m.verdict(e)
		return
	}
	m.entries[e.Cursor] = &e
	if !mine {
		return
	}
	m.mine[e.Cursor] = true
	if b := m.of(m.life(e)); b.first == 0 || e.Time < b.first {
		b.first = e.Time
	}
}

func (m *memory) of(l life) *pastBoot {
	b := m.boots[l]
	if b == nil {
		b = &pastBoot{life: l, manager: m.named(l)}
		m.boots[l] = b
	}
	return b
}

// verdict takes in an event that sdwhy itself wrote down. It must be of the unit
// that it was found under.
func (m *memory) verdict(e enrich.Entry) {
	var told enrich.Event
	if json.Unmarshal([]byte(e.Fields["SDWHY_EVENT"]), &told) != nil || told.ID == "" || told.Unit != e.Unit || !m.tells(told.Manager) {
		return
	}
	m.told[told.ID] = told
}

// span is from the first to the last entry of the units asked for.
func (m *memory) span() (first, last int64) {
	for cursor := range m.mine {
		e := m.entries[cursor]
		if last = max(last, e.Time); first == 0 || e.Time < first {
			first = e.Time
		}
	}
	return first, last
}

// edge takes in where a boot ends or a shutdown begins.
func (m *memory) edge(e enrich.Entry) {
	b, ok := m.boots[m.life(e)]
	switch {
	case !ok:
	case e.MessageID == enrich.MsgStartupFinished || e.MessageID == enrich.MsgUserStartup:
		b.finished = e.Time
		m.add(e, false)
	case e.JobType == enrich.ActionStart && e.Job != 0:
		b.downs = append(b.downs, e)
	}
}

// begun are the boots in which a unit asked for did something before the boot was over.
func (m *memory) begun() (list []*pastBoot) {
	for _, b := range m.boots {
		if b.finished != 0 && b.first <= b.finished {
			list = append(list, b)
		}
	}
	return list
}

// cut says whether an event may lack what was not read: it is older than where reading ended.
func (m *memory) cut(e enrich.Event) bool {
	from, ok := m.from[e.Unit]
	return ok && int64(e.Time) <= from
}

// events are the verdicts, and what is rebuilt where there are none, oldest first.
func (m *memory) events(host string) []enrich.Event {
	list := m.rebuilt(host)
	list = slices.DeleteFunc(list, func(e enrich.Event) bool { _, ok := m.told[e.ID]; return ok })
	for _, e := range m.told {
		if m.boot == "" || e.BootID == m.boot {
			list = append(list, e)
		}
	}
	slices.SortStableFunc(list, func(a, b enrich.Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), strings.Compare(a.ID, b.ID))
	})
	return list
}

// rebuilt gives what the journal alone proves, life by life of the manager: ids of jobs start anew with each.
func (m *memory) rebuilt(host string) (events []enrich.Event) {
	for l, entries := range m.lives() {
		events = append(events, m.judge(*m.of(l), host, entries)...)
	}
	return events
}

// judge rebuilds one boot's events, again and again while configuration that would tell
// more can be had.
func (m *memory) judge(b pastBoot, host string, entries []*enrich.Entry) []enrich.Event {
	for {
		events, wanted := rebuild(b, host, m.configs.known(), entries)
		if !m.configs.read(wanted) {
			return events
		}
	}
}

// sequence is the number of an entry in its file, "…;i=HEX;…".
func sequence(cursor string) uint64 {
	_, rest, _ := strings.Cut(cursor, "i=")
	text, _, _ := strings.Cut(rest, ";")
	n, _ := strconv.ParseUint(text, 16, 64)
	return n
}

// rebuild feeds one boot's entries to a correlator that has no other witness but the
// units' configuration, and says whose it would like to know besides.
func rebuild(b pastBoot, host string, known []enrich.Observation, entries []*enrich.Entry) (events []enrich.Event, wanted []string) {
	start := enrich.Host{Name: host, BootID: b.boot, Manager: b.manager}
	if !b.whole && len(entries) > 0 {
		// Where the boot's beginning was not read, nothing may be taken for a part of it.
		start.Finished = max(entries[0].Mono, 1)
	}
	c := enrich.New(enrich.Options{LogLines: -1})
	c.Observe(enrich.Observation{Kind: enrich.KindStart, Host: start})
	for _, o := range known {
		c.Observe(o)
	}
	observe := func(e *enrich.Entry) {
		events = append(events, c.Observe(enrich.Observation{Kind: enrich.KindEntry, Time: e.Time, Mono: e.Mono, Entry: *e})...)
	}
	down := lowest(b.downs)
	for _, e := range entries {
		if down != nil && e.Job >= down.Job {
			// Jobs from the shutdown target's on are of the shutdown, though it is reached after them.
			down.Time, down.Mono = e.Time, e.Mono
			observe(down)
			down = nil
		}
		observe(e)
	}
	events = append(events, c.Flush()...)
	return events, c.Wants().Configs
}

func lowest(downs []enrich.Entry) (least *enrich.Entry) {
	for _, e := range downs {
		if least == nil || e.Job < least.Job {
			least = &e
		}
	}
	return least
}

// unexplained are the seconds around the jobs that need more than the unit's own
// entries: those without a verdict that systemd did not schedule itself.
func (m *memory) unexplained() []interval {
	jobs, scheduled := map[string]interval{}, []int64{}
	for cursor := range m.mine {
		e := m.entries[cursor]
		key := jobKey(*e)
		switch {
		case e.MessageID == enrich.MsgRestartScheduled:
			scheduled = append(scheduled, e.Time)
		case key == "" || m.judged(*e):
		case jobs[key] == interval{}:
			jobs[key] = interval{e.Time, e.Time}
		default:
			jobs[key] = interval{min(jobs[key].from, e.Time), max(jobs[key].to, e.Time)}
		}
	}
	var open []interval
	for _, t := range jobs {
		if !slices.ContainsFunc(scheduled, func(at int64) bool { return at <= t.from && t.from-at < around }) {
			open = append(open, interval{t.from - around, t.from + around}, interval{t.to - around, t.to + around})
		}
	}
	return merge(open)
}

// judged says whether sdwhy itself wrote down what became of an entry's job.
func (m *memory) judged(e enrich.Entry) bool {
	_, ok := m.told[fmt.Sprintf("%s/%s/job/%d", e.BootID, m.named(m.life(e)), e.Job)]
	return ok
}

// merge joins intervals that touch.
func merge(list []interval) (merged []interval) {
	slices.SortFunc(list, func(a, b interval) int { return cmp.Compare(a.from, b.from) })
	for _, w := range list {
		if n := len(merged); n > 0 && w.from <= merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, w.to)
			continue
		}
		merged = append(merged, w)
	}
	return merged
}
