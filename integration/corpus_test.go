package integration

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

const corpus = "testdata/corpus"

// record cuts a fixture for each scenario that was played right, when $SDWHY_RECORD is set.
// What the fixture replays to must be right too. Recordings of the others go to
// $SDWHY_KEEP, to be studied.
func record(w *World, all []*Scenario, version int, table *Table) error {
	if os.Getenv("SDWHY_RECORD") == "" {
		return nil
	}
	file, err := os.Open(w.Path(w.recording))
	if err != nil {
		return err
	}
	defer file.Close()
	observations, err := ReadObservations(file)
	if err != nil {
		return err
	}
	var faults []error
	for _, s := range all {
		p, verdict := table.Played(s, version)
		if verdict == "" || verdict == notHere || s.Headers["record"] == "false" {
			continue
		}
		recording, err := Encode(s.cut(p, all).Apply(observations))
		if err == nil && verdict == right {
			err = fixture(s, all, version, recording)
		} else if dir := os.Getenv("SDWHY_KEEP"); err == nil && dir != "" {
			err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d-%s.jsonl", version, s.Name)), recording, 0o600)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("no fixture of %s: %w", s.Name, err))
		}
	}
	return errors.Join(faults...)
}

// cut is what of a recording is the scenario's.
func (s *Scenario) cut(p Played, all []*Scenario) Cut {
	return Cut{From: p.From, To: p.To, All: s.Headers["keep"] == "all",
		Mine: func(unit string) bool { return Owner(all, unit) == s.Name }}
}

func fixture(s *Scenario, all []*Scenario, version int, recording []byte) error {
	events, err := ownEvents(recording, s, all)
	if err != nil {
		return err
	}
	faults, err := judge(s, version, events)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("its replay is wrong:\n%s", strings.Join(faults, "\n"))
	}
	path := s.fixture(version)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".jsonl", recording, 0o644); err != nil {
		return err
	}
	return os.WriteFile(path+".want.jsonl", events, 0o644)
}

// fixture is where the scenario's recording lies, without ".jsonl": what a user's manager
// played lies in 252-user.
func (s *Scenario) fixture(version int) string {
	dir := fmt.Sprint(version)
	if s.user {
		dir += "-user"
	}
	return filepath.Join(corpus, dir, s.Name)
}

// ownEvents replays a recording and gives the events of the scenario's units.
func ownEvents(recording []byte, s *Scenario, all []*Scenario) ([]byte, error) {
	replayed, err := Replay(recording)
	if err != nil {
		return nil, err
	}
	var own []byte
	for line := range bytes.Lines(replayed) {
		events, err := ParseEvents(line)
		if err != nil {
			return nil, err
		}
		if len(owned(events, s, all)) > 0 {
			own = append(own, line...)
		}
	}
	return own, nil
}

func owned(events []map[string]any, s *Scenario, all []*Scenario) []map[string]any {
	var mine []map[string]any
	for _, e := range events {
		if unit, _ := e["unit"].(string); Owner(all, unit) == s.Name {
			mine = append(mine, e)
		}
	}
	return mine
}

func judge(s *Scenario, version int, events []byte) ([]string, error) {
	got, err := ParseEvents(events)
	if err != nil {
		return nil, err
	}
	want, err := s.Want(version)
	if err != nil {
		return nil, err
	}
	return Compare(want, forgive(got), s.Leeway()), nil
}

// TestCorpus replays every recording: no container is needed to change a rule.
func TestCorpus(t *testing.T) {
	all, err := Scenarios("testdata/scenarios")
	if err != nil {
		t.Fatal(err)
	}
	for _, suite := range Suites() {
		for _, s := range slices.Concat(all, OfUser(all)) {
			path := s.fixture(suite.Version)
			recording, err := os.ReadFile(path + ".jsonl")
			if os.IsNotExist(err) {
				continue
			}
			t.Run(strings.TrimPrefix(path, corpus+"/"), func(t *testing.T) {
				replays(t, s, all, suite.Version, recording, path+".want.jsonl")
			})
		}
	}
}

func replays(t *testing.T, s *Scenario, all []*Scenario, version int, recording []byte, wantPath string) {
	t.Helper()
	events, err := ownEvents(recording, s, all)
	if err != nil {
		t.Fatal(err)
	}
	faults, err := judge(s, version, events)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
	if os.Getenv("SDWHY_UPDATE") != "" && len(faults) == 0 {
		if err := os.WriteFile(wantPath, events, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(wantPath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(events)); diff != "" {
		t.Errorf("the replay has changed (-want +got); after a check, SDWHY_UPDATE=1 accepts it:\n%s", diff)
	}
}

// TestEveryCause fails when no recording proves a cause.
func TestEveryCause(t *testing.T) {
	for _, version := range []int{252, 257} {
		proven := recordedCauses(t, version)
		if len(proven) == 0 {
			t.Errorf("nothing is recorded on %d; SDWHY_RECORD=1 go test -run TestScenarios records", version)
			continue
		}
		for _, cause := range []enrich.Cause{enrich.CauseCrash, enrich.CauseCleanExit, enrich.CauseManual,
			enrich.CauseAutomation, enrich.CausePackage, enrich.CauseTimer, enrich.CauseSocket, enrich.CausePath,
			enrich.CauseBus, enrich.CauseAutomount, enrich.CauseDevice, enrich.CauseOnFailure, enrich.CauseOnSuccess,
			enrich.CauseDependency, enrich.CauseBoot, enrich.CauseShutdown} {
			if !proven[string(cause)] {
				t.Errorf("no recording on %d has cause %s", version, cause)
			}
		}
	}
}

func recordedCauses(t *testing.T, version int) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(corpus, fmt.Sprint(version), "*.want.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	causes := map[string]bool{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		events, err := ParseEvents(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if cause, ok := e["cause"].(string); ok {
				causes[cause] = true
			}
		}
	}
	return causes
}
