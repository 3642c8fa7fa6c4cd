package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sdwhy/enrich"
	"sdwhy/journal"
)

// explainFlags are explain's settings as typed.
type explainFlags struct {
	since, until, boot string
	newest             int
	causes             []string
	failed             bool
	directory          string
	files              []string
	output             string
	user               string
}

// explainNewest is how many events are told when neither -n nor a range says.
const explainNewest = 50

func (a *app) explainCommand() *cobra.Command {
	f := &explainFlags{}
	cmd := &cobra.Command{
		Use:   "explain [UNIT…]",
		Short: "why did it happen? the past, from the journal",
		Long: `Explain tells what became of units, oldest first, and why: sdwhy's own verdicts
where it was running, elsewhere what systemd's entries in the journal prove. What they do
not prove is "unknown". Without a unit it tells what failed on the whole machine.

UNIT is a name as systemctl takes it: nginx, nginx.service, getty@tty1, 'nginx*',
or a template (getty@) for all its instances.`,
		Example: `  sdwhy explain nginx                           its newest events
  sdwhy explain nginx --since yesterday         since midnight before today's
  sdwhy explain --since -2h                     what failed in the last two hours
  sdwhy explain 'php*' --cause crash -o json    for programs
  sdwhy explain --user foot-server              of your own service manager
  sdwhy explain nginx --directory /mnt/journal  from another machine`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.explain(cmd.Context(), f, args) },

		ValidArgsFunction: unitNames(f.journal),
	}
	set := cmd.Flags()
	set.StringVarP(&f.since, "since", "S", "", "from this `time` on, as journalctl takes it: yesterday, -2h, \"2026-11-22 02:00\"")
	set.StringVarP(&f.until, "until", "U", "", "up to this `time`")
	set.StringVarP(&f.boot, "boot", "b", "", "only this `boot`: 0 the newest, -1 the one before, or its id")
	set.Lookup("boot").NoOptDefVal = "0"
	set.IntVarP(&f.newest, "lines", "n", -1, fmt.Sprintf("the newest `n` events (default %d, all in a range)", explainNewest))
	set.StringSliceVar(&f.causes, "cause", nil, "only these `causes`, such as crash or manual")
	set.BoolVar(&f.failed, "failed", false, "only what failed")
	set.StringVarP(&f.directory, "directory", "D", "", "read the journal files in `dir`")
	set.StringSliceVar(&f.files, "file", nil, "read these journal `files` (globs allowed)")
	set.StringVar(&f.user, "user", "", "units of your own service manager, or of that of the user with this `uid`, instead of the system's")
	set.Lookup("user").NoOptDefVal = ownManager
	set.StringVarP(&f.output, "output", "o", outputText, "print events as `text|json`")
	return cmd
}

// explain prints what became of the units.
func (a *app) explain(ctx context.Context, f *explainFlags, args []string) error {
	ask, err := f.question(args, time.Now())
	if err != nil {
		return err
	}
	past, err := journal.OpenPast(ask.where) // closed by the process's end: to unmap its files one by one takes longer
	if err != nil {
		return &hintError{fmt.Errorf("cannot explain: %w", err), "sdwhy check tests what sdwhy may read"}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(500)) // short-lived: memory is cheaper than time
	h := &historian{past: past, ask: ask, note: a.progress(), host: hostOf(ask.where), memo: memory{user: ask.where.Manager}}
	if ask.where.Directory == "" && len(ask.where.Files) == 0 && ours(ask.where.Manager) {
		h.memo.configs = &configs{ctx: ctx, log: a.log, user: ask.where.Manager != ""}
	}
	told, err := h.tell(ctx)
	h.note.done()
	a.warnSkipped(past)
	if err != nil {
		return err
	}
	return a.printPast(f, ask, told)
}

func (a *app) printPast(f *explainFlags, ask question, told []enrich.Event) error {
	if f.output == outputJSON {
		out, err := newPrinter(outputJSON, a.stdout, nil)
		if err != nil {
			return err
		}
		for _, e := range told {
			if err := out.Write(e); err != nil {
				return err
			}
		}
		return out.Flush()
	}
	if len(told) == 0 {
		fmt.Fprintf(a.stderr, "sdwhy: %s\n", sanitize(ask.nothing()))
		return nil
	}
	story := &story{style: styleFor(a.stdout, a.env), ask: ask, now: ask.now}
	_, err := a.stdout.Write([]byte(story.text(told)))
	return err
}

// warnSkipped says what of a damaged journal was left out.
func (a *app) warnSkipped(past *journal.Past) {
	files, entries := past.Skipped()
	for _, f := range files {
		a.log.Warn("skipped a file that is damaged or no journal; the rest was read", "file", f)
	}
	if entries > 0 {
		a.log.Warn("skipped entries of a damaged journal file; the rest was read", "entries", entries)
	}
}

// hostOf is this machine's name for its own journal; another's is not known.
func hostOf(q journal.Query) string {
	if q.Directory != "" || len(q.Files) > 0 {
		return ""
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// A question is what is asked of the past, checked.
type question struct {
	where        journal.Query // Directory and Files
	units        []string      // as typed
	since, until int64         // µs since the epoch, 0 open
	boot         string        // as typed, "" any
	newest       int           // 0 all
	causes       []enrich.Cause
	failed       bool
	now          time.Time
}

// question checks the flags.
func (f *explainFlags) question(args []string, now time.Time) (q question, err error) {
	q = question{units: args, boot: f.boot, newest: f.newest, failed: f.failed || len(args) == 0, now: now}
	if f.output != outputText && f.output != outputJSON {
		return q, usagef(didYouMean(f.output, outputs()[:2]), "unknown output %q in --output", f.output)
	}
	if q.since, err = rangeEnd("since", f.since, now); err != nil {
		return q, err
	}
	if q.until, err = rangeEnd("until", f.until, now); err != nil {
		return q, err
	}
	if q.since != 0 && q.until != 0 && q.since > q.until {
		return q, usagef("swap --since and --until", "the range runs backwards: from %s to %s", when(q.since), when(q.until))
	}
	switch {
	case f.newest == -1 && f.since == "" && f.boot == "":
		q.newest = explainNewest
	case f.newest == -1:
		q.newest = 0
	case f.newest < 1:
		return q, usagef("-n takes a number of events, 1 or more", "%d events are none", f.newest)
	}
	if q.causes, err = causes(f.causes); err != nil {
		return q, err
	}
	for _, u := range args {
		if !nameable(u) {
			return q, usagef(`write a unit's name, such as nginx, getty@tty1 or 'php*'`, "%q is no name of a unit", u)
		}
	}
	q.where, err = f.journal()
	return q, err
}

func when(t int64) string { return time.UnixMicro(t).Format("2006-01-02 15:04:05") }

// journal is where to read.
func (f *explainFlags) journal() (journal.Query, error) {
	q := journal.Query{Directory: f.directory}
	var err error
	if q.Manager, err = userManager(f.user); err != nil {
		return q, err
	}
	if f.directory != "" && len(f.files) > 0 {
		return q, usagef("give one of them", "--directory and --file exclude each other")
	}
	for _, pattern := range f.files {
		found, err := globFiles(pattern)
		if err != nil {
			return q, err
		}
		q.Files = append(q.Files, found...)
	}
	return q, nil
}

var causeNames = []string{"crash", "clean-exit", "manual", "automation", "package", "timer", "socket", "path", "dbus", "automount", "device",
	"on-failure", "on-success", "dependency", "boot", "shutdown", "unknown"}

func causes(names []string) (list []enrich.Cause, err error) {
	for _, n := range names {
		if !slices.Contains(causeNames, n) {
			return nil, usagef(didYouMean(n, causeNames), "unknown cause %q in --cause", n)
		}
		list = append(list, enrich.Cause(n))
	}
	return list, nil
}

// keeps says whether an event is asked for.
func (q question) keeps(e enrich.Event) bool {
	t := int64(e.Time)
	return (q.since == 0 || t >= q.since) && (q.until == 0 || t <= q.until) &&
		(len(q.causes) == 0 || slices.Contains(q.causes, e.Cause)) && (!q.failed || hasFailed(e))
}

// hasFailed: something failed, even where systemd mended it.
func hasFailed(e enrich.Event) bool {
	switch e.Result {
	case "failed", "timeout", "dependency", "assert":
		return true
	}
	return e.Failure != "" || e.Severity == enrich.Critical
}

// picky says whether most events may be left out.
func (q question) picky() bool { return q.failed || len(q.causes) > 0 }

// nothing says in one line that there is nothing to tell.
func (q question) nothing() string {
	what := "no entries of " + strings.Join(q.units, ", ")
	switch {
	case len(q.units) == 0:
		what = "nothing failed"
	case q.picky():
		what = "no such events of " + strings.Join(q.units, ", ")
	}
	if q.since != 0 {
		what += " since " + when(q.since)
	}
	if q.until != 0 {
		what += " until " + when(q.until)
	}
	if q.boot != "" {
		what += " in that boot"
	}
	return what
}

var errNoSuchUnit = errors.New("no such unit in the journal")
