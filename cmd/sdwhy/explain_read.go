package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"sdwhy/enrich"
	"sdwhy/journal"
)

// A historian reads what bears on the units asked for, and rebuilds their events.
// It reads by the journal's indexes alone: the units' own entries from the newest back,
// then, about what these do not explain, PID 1's entries of the seconds around.
type historian struct {
	past *journal.Past
	ask  question
	host string
	note *progress
	memo memory
}

const (
	// around is how long before and after a job, µs, what explains it can lie: as
	// long as the correlator looks.
	around = 1_000_000
	// after is how long after the range's end, µs, entries still tell what became of it.
	after = 90_000_000
	// margin is how many jobs and ends of runs are read beyond those wanted, so
	// that the oldest told is whole.
	margin = 3
	// windowEntries bounds what is read of the seconds around a job.
	windowEntries = 4000
	// bootEntries bounds what is read of a boot's beginning.
	bootEntries = 4000
	// userBoot is how long the startup of a user's manager takes at most, µs.
	userBoot = 120_000_000
	// failureLogs is how many of the newest failures get the unit's own last lines.
	failureLogs, logLines = 5, 5
)

// tell gives the events asked for, oldest first.
func (h *historian) tell(ctx context.Context) ([]enrich.Event, error) {
	if h.ask.boot != "" {
		id, err := h.bootID(ctx)
		if err != nil {
			return nil, err
		}
		h.memo.boot = id
	}
	units, err := h.named(ctx)
	if err != nil {
		return nil, err
	}
	if len(h.ask.units) == 0 {
		if units, err = h.failing(ctx); err != nil || len(units) == 0 {
			return nil, err
		}
	}
	for want := h.ask.newest; ; want *= 4 {
		told, whole, err := h.round(ctx, units, want)
		if err != nil {
			return nil, err
		}
		enough := h.ask.newest != 0 && len(told) >= h.ask.newest
		if !whole && !enough {
			continue
		}
		if enough {
			told = told[len(told)-h.ask.newest:]
		}
		return told, h.logs(ctx, told)
	}
}

// round reads so much that each unit has want events (0: all), and gives those
// asked for; whole says that nothing was left unread.
func (h *historian) round(ctx context.Context, units []string, want int) (told []enrich.Event, whole bool, err error) {
	h.memo.reset()
	whole = true
	for _, u := range units {
		all, err := h.own(ctx, u, want)
		if err != nil {
			return nil, false, err
		}
		whole = whole && all
	}
	if len(h.memo.entries) == 0 && len(h.ask.units) > 0 {
		return nil, true, h.absent(ctx, units)
	}
	if err := h.boots(ctx); err != nil {
		return nil, false, err
	}
	if err := h.windows(ctx, h.memo.unexplained()); err != nil {
		return nil, false, err
	}
	for _, e := range h.memo.events(h.host) {
		if h.ask.keeps(e) && slices.Contains(units, e.Unit) && !h.memo.cut(e) {
			told = append(told, e)
		}
	}
	return told, whole, nil
}

// absent: no unit has an entry in the range. It is an error only where the journal
// has none of them at all.
func (h *historian) absent(ctx context.Context, units []string) error {
	for i, u := range units {
		found := false
		q := h.query()
		q.Units, q.Limit, q.Boot = []string{u}, 1, ""
		if err := h.past.Read(ctx, q, func(enrich.Entry) bool { found = true; return false }); err != nil {
			return err
		}
		if !found && i < len(h.ask.units) {
			return h.unknownUnit(ctx, u)
		}
	}
	return nil
}

func (h *historian) query() journal.Query {
	return journal.Query{Boot: h.memo.boot, Reverse: true}
}

// own reads a unit's entries from the newest back, until want events and a margin
// have been met or the range is over; whole says that there was nothing left.
func (h *historian) own(ctx context.Context, unit string, want int) (whole bool, err error) {
	q := h.query()
	q.Units = []string{unit}
	if h.ask.until != 0 {
		q.Until = h.ask.until + after
	}
	whole = true
	var met deeds
	err = h.past.Read(ctx, q, func(e enrich.Entry) bool {
		h.note.read(e.Time)
		if h.ask.until == 0 || e.Time <= h.ask.until {
			met.note(e)
		}
		switch n := len(met) - margin; {
		case want > 0 && n > want:
			whole, h.memo.from[unit] = false, met[n].newest
			return false
		case n > 0 && met[n-1].newest < h.ask.since:
			return false
		}
		h.memo.add(e, true)
		return true
	})
	return whole, err
}

// failing are the units that failed in the range, by the index of message ids.
func (h *historian) failing(ctx context.Context) ([]string, error) {
	q := h.query()
	q.IDs = []string{enrich.MsgFailureResult, enrich.MsgFailed, enrich.MsgResources}
	q.Until, q.Since = h.ask.until, h.ask.since
	var units []string
	n := 0
	err := h.past.Read(ctx, q, func(e enrich.Entry) bool {
		h.note.read(e.Time)
		if e.Unit != "" && !slices.Contains(units, e.Unit) {
			units = append(units, e.Unit)
		}
		n++
		return h.ask.newest == 0 || n < 2*h.ask.newest
	})
	return units, err
}

// boots reads when each boot was over, and, for units that did something before,
// how it began: which job ids are the boot's own.
func (h *historian) boots(ctx context.Context) error {
	first, last := h.memo.span()
	if first == 0 {
		return nil
	}
	hour := int64(time.Hour / time.Microsecond)
	err := h.past.Edges(ctx, first-around, last+hour, shutdownTargets, func(e enrich.Entry) bool {
		h.memo.edge(e)
		return true
	})
	if err != nil {
		return err
	}
	for _, b := range h.memo.begun() {
		if err := h.beginning(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

var shutdownTargets = []string{"shutdown.target", "reboot.target", "poweroff.target", "halt.target", "kexec.target", "soft-reboot.target", "exit.target"}

// beginning reads a boot up to basic.target: what works until then is the boot's.
func (h *historian) beginning(ctx context.Context, b *pastBoot) error {
	q := journal.Query{Boot: b.boot, Limit: bootEntries}
	if h.memo.user != "" {
		q.Since = b.finished - userBoot // the boot may have seen others
	}
	var entries []enrich.Entry
	complete := false
	err := h.past.Read(ctx, q, func(e enrich.Entry) bool {
		h.note.read(e.Time)
		if e.Source == enrich.SourceManager && h.memo.life(e) != b.life {
			return true
		}
		entries = append(entries, e)
		complete = e.Unit == "basic.target" && e.MessageID == enrich.MsgStarted || e.MessageID == enrich.MsgStartupFinished || e.MessageID == enrich.MsgUserStartup
		return !complete
	})
	if complete && bootBegins(entries) {
		b.whole = true
		for _, e := range entries {
			h.memo.add(e, false)
		}
	}
	return err
}

// bootBegins: a journal that was rotated begins in the middle of a boot; at its
// beginning the ids of jobs are low.
func bootBegins(entries []enrich.Entry) bool {
	for _, e := range entries {
		if e.Job != 0 {
			return e.Job < 1000
		}
	}
	return false
}

// windows reads what happened around the jobs that the unit's own entries do not
// explain: PID 1's entries, and what sudo, the bus and logind say.
func (h *historian) windows(ctx context.Context, open []interval) error {
	for _, w := range open {
		err := h.past.Around(ctx, w.from, w.to, windowEntries, func(e enrich.Entry) bool {
			h.note.read(e.Time)
			h.memo.add(e, false)
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// logs adds the unit's own last lines to the newest failures.
func (h *historian) logs(ctx context.Context, told []enrich.Event) error {
	left := failureLogs
	for i := len(told) - 1; i >= 0 && left > 0; i-- {
		e := &told[i]
		if !hasFailed(*e) || e.InvocationID == "" || len(e.Log) > 0 || e.Failure == "start-limit-hit" {
			continue
		}
		left--
		q := journal.Query{Invocation: e.InvocationID, Until: int64(e.Time) + around, Reverse: true, Limit: logLines}
		err := h.past.Read(ctx, q, func(l enrich.Entry) bool {
			e.Log = append(e.Log, l.Message)
			return true
		})
		if err != nil {
			return err
		}
		slices.Reverse(e.Log)
	}
	return nil
}

func uniqueSorted[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}
