package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestMachine: each scenario that only a machine of its own can play has its recordings.
// When record-qemu gives $SDWHY_MACHINE, the folder of what was recorded in such a
// machine, fixtures are cut from it first.
func TestMachine(t *testing.T) {
	all, err := Scenarios("testdata/scenarios")
	if err != nil {
		t.Fatal(err)
	}
	versions := []int{252, 257}
	if dir := os.Getenv("SDWHY_MACHINE"); dir != "" {
		version, err := strconv.Atoi(os.Getenv("SDWHY_MACHINE_VERSION"))
		if err != nil {
			t.Fatal("SDWHY_MACHINE_VERSION is the systemd version of that machine: ", err)
		}
		cutMachine(t, dir, version, all)
		versions = []int{version}
	}
	for _, version := range versions {
		for _, s := range all {
			path := filepath.Join(corpus, fmt.Sprint(version), s.Name+".jsonl")
			if _, err := os.Stat(path); err != nil && s.Headers["machine"] != "" && s.Runs(version) {
				t.Errorf("no recording of %s on %d; integration/record-qemu makes it", s.Name, version)
			}
		}
	}
}

// cutMachine cuts a fixture for each scenario that the machine has played right.
func cutMachine(t *testing.T, dir string, version int, all []*Scenario) {
	played, err := readPlayed(filepath.Join(dir, "played"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(dir, "rec.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	observations, err := ReadObservations(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		p, ok := played[s.Name]
		if !ok {
			continue
		}
		recording, err := Encode(s.cut(p, all).Apply(observations))
		if err == nil {
			err = fixture(s, all, version, recording)
		}
		if err != nil {
			t.Errorf("no fixture of %s: %v", s.Name, err)
			keepCut(t, filepath.Join(dir, s.Name+".jsonl"), recording)
		}
	}
}

// keepCut leaves a recording that is not right beside the whole one, to be studied.
func keepCut(t *testing.T, path string, recording []byte) {
	if err := os.WriteFile(path, recording, 0o600); err != nil {
		t.Error(err)
	}
}

// readPlayed reads lines of NAME FROM TO: when the machine played which scenario.
func readPlayed(path string) (map[string]Played, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	played := map[string]Played{}
	for line := range strings.Lines(string(data)) {
		var name string
		var p Played
		if _, err := fmt.Sscan(line, &name, &p.From, &p.To); err != nil {
			return nil, fmt.Errorf("bad line %q in %s: %w", line, path, err)
		}
		played[name] = p
	}
	return played, nil
}
