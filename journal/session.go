package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"sdwhy/enrich"
)

// A gaveUpError is the child's own word on why it cannot go on.
type gaveUpError struct{ why string }

func (e gaveUpError) Error() string { return e.why }

// Is finds again the sentinels that became text on their way from the child.
func (e gaveUpError) Is(target error) bool {
	switch target {
	case ErrPermission, ErrEmpty, ErrNoUnit:
		return strings.Contains(e.why, target.Error())
	}
	return false
}

// frames gives each frame to each until the child closes its end (nil), or something fails.
func frames(r io.Reader, each func(kind byte, payload []byte) error) error {
	in := bufio.NewReaderSize(r, 1<<16)
	var buf []byte
	for {
		kind, payload, err := readFrame(in, buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		buf = payload
		if kind == frameError {
			return gaveUpError{string(payload)}
		}
		if err := each(kind, payload); err != nil {
			return err
		}
	}
}

// frame turns one frame into observations.
func (f *Follower) frame(kind byte, payload []byte, emit func(enrich.Observation)) error {
	switch kind {
	case frameEntry:
		if err := f.last.parse(payload); err != nil {
			return err
		}
		f.place, f.deaths = place{Cursor: f.last.fields[fCursor]}, 0
		if e, ok := f.decode.entry(&f.last); ok {
			f.entry(e, emit)
		}
	case framePlace, frameUp:
		var p place
		if err := json.Unmarshal(payload, &p); err != nil {
			return fmt.Errorf("%w: %w", errFrame, err)
		}
		f.place = p
		if kind == frameUp {
			f.follows(emit)
		}
	case frameLines:
		var l lines
		if err := json.Unmarshal(payload, &l); err != nil {
			return fmt.Errorf("%w: %w", errFrame, err)
		}
		emit(observation(enrich.Observation{Kind: enrich.KindLog, Unit: l.Unit, Log: l.Log}))
	case frameLost:
		var l loss
		if err := json.Unmarshal(payload, &l); err != nil {
			return fmt.Errorf("%w: %w", errFrame, err)
		}
		f.lose(l, emit)
	default:
		return fmt.Errorf("%w: kind %q", errFrame, kind)
	}
	return nil
}

// entry passes an entry on. journald's word that it dropped PID 1's entries is a loss too.
func (f *Follower) entry(e enrich.Entry, emit func(enrich.Observation)) {
	f.entries.Add(1)
	emit(observation(enrich.Observation{Kind: enrich.KindEntry, Entry: e}))
	if e.Source == enrich.SourceJournald && e.Unit == f.home() {
		n, err := strconv.Atoi(e.Fields["N_DROPPED"])
		if err != nil || n < 1 {
			n = -1
		}
		f.lose(loss{Count: n, Why: "journald's rate limit: " + e.Message}, emit)
	}
}

// home is the unit under which journald counts what the manager logs.
func (f *Follower) home() string {
	if m := f.decode.manager; m.user {
		return m.service()
	}
	return "init.scope"
}

func (f *Follower) follows(emit func(enrich.Observation)) {
	if f.complete == 0 {
		f.complete = monotonic()
	}
	f.trouble = ""
	f.up.Store(true)
	o := witness(enrich.Witness{Up: true, Since: f.complete})
	o.Entry.Cursor = f.place.Cursor // a later start can go on from here, though nothing has happened yet
	emit(o)
}

func (f *Follower) lose(l loss, emit func(enrich.Observation)) {
	f.lost.Add(1)
	f.complete = monotonic()
	f.Log.Warn("journal entries are missing", "count", l.Count, "why", l.Why)
	emit(witness(enrich.Witness{Up: f.up.Load(), Lost: l.Count, Why: l.Why}))
}

// command passes kicks and tails on to the child until quit closes. While the child
// cannot take them, kicks meet and tails queue.
func (f *Follower) command(in io.Writer, quit <-chan struct{}) {
	for {
		line := []byte("k\n")
		select {
		case <-quit:
			return
		case <-f.kicks:
		case t := <-f.tails:
			text, err := json.Marshal(t)
			if err != nil {
				continue
			}
			line = append(append([]byte("t"), text...), '\n')
		}
		if _, err := in.Write(line); err != nil {
			return
		}
	}
}

// currentBoot is this machine's boot id as journald writes it; "" when /proc does not say.
func currentBoot() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(strings.TrimSpace(string(id)), "-", "")
}

// monotonic is CLOCK_MONOTONIC in µs.
func monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0
	}
	return t.Nano() / 1000
}
