package integration

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

// TestAgreement: what explain rebuilds from systemd's entries alone has the ids that the
// live path gave, and its causes or "unknown" with missing, never another cause. It
// prints where the journal alone knows less. The same holds where the configuration can
// be read, as explain does on the machine itself.
func TestAgreement(t *testing.T) {
	for name, cut := range map[string]cut{"journal": journalOnly, "configured": configured} {
		t.Run(name, func(t *testing.T) { corpusAgrees(t, cut) })
	}
}

// A cut leaves of a recording what explain would have.
type cut func([]enrich.Observation) []enrich.Observation

func corpusAgrees(t *testing.T, cut cut) {
	paths, err := filepath.Glob(filepath.Join(corpus, "*", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var sum agreement
	for _, path := range paths {
		if strings.HasSuffix(path, ".want.jsonl") {
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, corpus+"/"), ".jsonl")
		t.Run(name, func(t *testing.T) { sum.add(agrees(t, path, cut)) })
	}
	if sum.live == 0 {
		t.Skip("nothing is recorded")
	}
	t.Logf("%d live events: %d with the same cause from the journal alone, %d unknown there, %d that left no entry",
		sum.live, sum.same, sum.less, sum.live-sum.same-sum.less)
}

// agreement counts live events, and those that the journal alone gives too.
type agreement struct{ live, same, less int }

func (a *agreement) add(b agreement) {
	a.live, a.same, a.less = a.live+b.live, a.same+b.same, a.less+b.less
}

func agrees(t *testing.T, path string, cut cut) (sum agreement) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	observations, err := ReadObservations(file)
	if err != nil {
		t.Fatal(err)
	}
	live := map[string]enrich.Event{}
	for _, e := range decide(observations, true) {
		live[e.ID] = e
	}
	sum.live = len(live)
	for _, e := range decide(cut(observations), true) {
		l, ok := live[e.ID]
		switch {
		case !ok && cutShort(observations, e):
			t.Logf("the recording ends before its signal: %s %s", e.Unit, e.Action)
		case !ok:
			t.Errorf("only from the journal: %s %s %s %s", e.ID, e.Unit, e.Action, e.Cause)
		case e.Cause == l.Cause:
			sum.same++
			if diff := otherUnits(e, l); diff != "" {
				t.Errorf("%s %s %s: %s", e.ID, e.Unit, e.Action, diff)
			}
		case e.Cause == enrich.CauseUnknown && len(e.Missing) > 0:
			sum.less++
			t.Logf("knows less: %s %s is %s, live %s; missing %s", e.Unit, e.Action, e.Cause, l.Cause, strings.Join(e.Missing, ", "))
		case conceded(path, e, l):
			sum.less++
			t.Logf("conceded: %s %s is %s from the journal alone, live %s", e.Unit, e.Action, e.Cause, l.Cause)
		case len(l.Missing) > 0 && l.Cause == enrich.CauseUnknown:
			t.Logf("knows more: %s %s is %s, live %s for want of %v", e.Unit, e.Action, e.Cause, l.Cause, l.Missing)
		default:
			t.Errorf("%s %s %s: cause %s from the journal alone (missing %v), live %s", e.ID, e.Unit, e.Action, e.Cause, e.Missing, l.Cause)
		}
	}
	return sum
}

// otherUnits says how trigger and root, where the journal alone names them, differ from what
// the live path names.
func otherUnits(e, live enrich.Event) string {
	type units struct{ Trigger, Root string }
	of := func(e enrich.Event) (u units) {
		if e.Trigger != nil {
			u.Trigger = e.Trigger.Relation + " " + e.Trigger.Unit
		}
		if e.Root != nil {
			u.Root = string(e.Root.Cause) + " " + e.Root.Unit
		}
		return u
	}
	got, want := of(e), of(live)
	got.Trigger, got.Root = cmp.Or(got.Trigger, want.Trigger), cmp.Or(got.Root, want.Root)
	return gocmp.Diff(want, got)
}

// conceded are the three places where the contract lets the journal alone say another
// cause. A client asked, but not which: automation and package read as manual
// (DESIGN.md §3). And on 252 a client's start inside RestartSec leaves the very entries
// of the automatic restart that it was merged with; from 257 on the text tells them apart.
// And a device that goes leaves no entry, so the stop that follows from it reads as asked for.
func conceded(path string, e, live enrich.Event) bool {
	if e.Cause == enrich.CauseManual && (live.Cause == enrich.CausePackage || live.Cause == enrich.CauseAutomation) {
		return true
	}
	if e.Cause == enrich.CauseManual && live.Trigger != nil && strings.HasSuffix(live.Trigger.Unit, ".device") {
		return true
	}
	return strings.HasSuffix(path, "/start-window.jsonl") && strings.Contains(path, "/252") && e.Action == enrich.ActionRestart && e.Cause == enrich.CauseCrash
}

// cutShort: an entry near the end of a recording, whose JobRemoved was cut off.
func cutShort(observations []enrich.Observation, e enrich.Event) bool {
	if e.Job == nil {
		return false
	}
	for _, o := range observations {
		if o.Kind == enrich.KindJobRemoved && o.Job.ID == e.Job.ID {
			return false
		}
	}
	return true
}

// journalOnly is what explain gives its correlator: which boot, then entries.
// Where a recording does not begin with its boot, that is over.
func journalOnly(all []enrich.Observation) (kept []enrich.Observation) {
	for _, o := range all {
		switch o.Kind {
		case enrich.KindStart:
			if len(kept) > 0 {
				kept[0].Host.Manager = o.Host.Manager // a user's is known once its bus is reached
				continue
			}
			if o.Host.Finished == 0 && !fromBoot(all) {
				o.Host.Finished = 1
			}
			kept = append(kept, o)
		case enrich.KindEntry:
			o.Time, o.Mono = o.Entry.Time, o.Entry.Mono
			kept = append(kept, o)
		}
	}
	return kept
}

// configured is journalOnly with the configuration that the recording has, known from the
// beginning.
func configured(all []enrich.Observation) []enrich.Observation {
	var configs []enrich.Observation
	for _, o := range all {
		if o.Kind == enrich.KindConfig {
			o.Time, o.Mono = 0, 0
			configs = append(configs, o)
		}
	}
	kept := journalOnly(all)
	if len(kept) == 0 {
		return nil
	}
	return slices.Concat(kept[:1], configs, kept[1:])
}

// fromBoot says whether the entries go back to the boot's own jobs.
func fromBoot(all []enrich.Observation) bool {
	for _, o := range all {
		if o.Kind == enrich.KindEntry && o.Entry.Unit == "basic.target" && o.Entry.MessageID == enrich.MsgStarted {
			return true
		}
	}
	return false
}

func decide(observations []enrich.Observation, flush bool) (events []enrich.Event) {
	var c *enrich.Correlator
	for _, o := range observations {
		if c == nil {
			c = enrich.New(o.Options)
		}
		events = append(events, c.Observe(o)...)
		c.Wants()
	}
	if c != nil && flush {
		events = append(events, c.Flush()...)
	}
	return events
}

// TestJournalAlone: what is fed for the comparison is judged at all, or the agreement would be an empty one.
func TestJournalAlone(t *testing.T) {
	var o enrich.Observation
	line := `{"kind":"start","host":{"boot_id":"b","manager":"system"}}`
	if err := json.NewDecoder(bytes.NewReader([]byte(line))).Decode(&o); err != nil {
		t.Fatal(err)
	}
	stop := func(id string, at int64) enrich.Observation {
		return enrich.Observation{Kind: enrich.KindEntry, Entry: enrich.Entry{Source: enrich.SourceManager, Unit: "x.service", Time: at, Mono: at,
			MessageID: id, Job: 7, JobType: "stop", JobResult: map[bool]string{true: "done"}[id == enrich.MsgStopped]}}
	}
	events := decide(journalOnly([]enrich.Observation{o, stop(enrich.MsgStopping, 1e6), stop(enrich.MsgStopped, 2e6)}), true)
	if len(events) != 1 || events[0].ID != "b/system/job/7" || events[0].Cause != enrich.CauseManual {
		t.Errorf("a lone stop is %+v, want one event of job 7, manual", events)
	}
}
