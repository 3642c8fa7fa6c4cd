package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// A Scenario is one file of testdata/scenarios. Its comment says what it shows,
// then come headers:
//
//	systemd: >=257     versions on which it is played; also <257
//	machine: qemu      no container can play it: record-qemu does, on a kernel of its own
//	phase: boot        it is played by the container's boot ("boot") or its power-off ("shutdown")
//	timeout: 20s       how long its events may take (default 10s)
//	extra-ok: true     events beyond those wanted are fine
//	any-order: true    their order is open, even within a unit
//	also: a.service    units that count besides those that bear its name
//	keep: all          its fixture keeps the signals and entries of all units
//	record: false      no fixture is cut from it
//	user: true         a user's manager plays it too (TestUser); "only": no other does
//
// Its files are units/… (in /etc/systemd/system), files/… (anywhere), run (a shell
// script that is played inside), and want or want.VERSION, of which the longest name that
// fits counts; of a user's manager, want.user and want.VERSION.user come before. Its
// units' names begin with its own name, and only their events count.
type Scenario struct {
	Name    string
	Doc     string
	Headers map[string]string
	Files   map[string][]byte // by absolute path in the container
	Run     string
	Timeout time.Duration

	user  bool              // a user's manager plays it
	wants map[string]string // "want", "want.252" …
}

var header = regexp.MustCompile(`^([a-z-]+): (.*)$`)

// Scenarios reads every scenario, in the order of their names.
func Scenarios(dir string) ([]*Scenario, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	var all []*Scenario
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		s, err := parseScenario(strings.TrimSuffix(filepath.Base(path), ".txtar"), data)
		if err != nil {
			return nil, fmt.Errorf("bad scenario %s: %w", path, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func parseScenario(name string, data []byte) (*Scenario, error) {
	archive := txtar.Parse(data)
	s := &Scenario{Name: name, Headers: map[string]string{}, Files: map[string][]byte{},
		Timeout: 10 * time.Second, wants: map[string]string{}}
	for line := range strings.Lines(string(archive.Comment)) {
		line = strings.TrimSpace(line)
		if m := header.FindStringSubmatch(line); m != nil {
			s.Headers[m[1]] = m[2]
		} else {
			s.Doc = strings.TrimSpace(s.Doc + " " + line)
		}
	}
	for _, f := range archive.Files {
		if err := s.file(f.Name, f.Data); err != nil {
			return nil, err
		}
	}
	if len(s.wants) == 0 {
		return nil, fmt.Errorf("no want")
	}
	var err error
	if t := s.Headers["timeout"]; t != "" {
		s.Timeout, err = time.ParseDuration(t)
	}
	return s, err
}

func (s *Scenario) file(name string, data []byte) error {
	kind, rest, _ := strings.Cut(name, "/")
	switch {
	case kind == "units" && rest != "":
		s.Files["/etc/systemd/system/"+rest] = data
	case kind == "files" && rest != "":
		s.Files["/"+rest] = data
	case name == "run":
		s.Run = string(data)
	case name == "want" || strings.HasPrefix(name, "want."):
		s.wants[name] = string(data)
	default:
		return fmt.Errorf("unknown file %q", name)
	}
	return nil
}

// Runs says whether the scenario is for this systemd version.
func (s *Scenario) Runs(version int) bool {
	cond := s.Headers["systemd"]
	if cond == "" {
		return true
	}
	bound, err := strconv.Atoi(strings.TrimLeft(cond, "<>="))
	if err != nil {
		return false
	}
	if strings.HasPrefix(cond, "<") {
		return version < bound
	}
	return version >= bound
}

// Contained says whether a container's own manager can play the scenario.
func (s *Scenario) Contained() bool {
	return s.Headers["machine"] == "" && (s.user || s.Headers["user"] != "only")
}

// Want gives the events wanted on a systemd version.
func (s *Scenario) Want(version int) ([]map[string]any, error) {
	names := []string{fmt.Sprintf("want.%d", version), "want"}
	if s.user {
		names = append([]string{names[0] + ".user", "want.user"}, names...)
	}
	for _, name := range names {
		if text, ok := s.wants[name]; ok {
			return ParseEvents([]byte(text))
		}
	}
	return nil, fmt.Errorf("%s has no want for systemd %d", s.Name, version)
}

// ParseEvents reads events, one JSON object a line; empty lines and # comments are skipped.
func ParseEvents(data []byte) ([]map[string]any, error) {
	var events []map[string]any
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			return nil, fmt.Errorf("bad event %q: %w", line, err)
		}
		events = append(events, event)
	}
	return events, nil
}

// Leeway is how loosely its events are compared.
func (s *Scenario) Leeway() Leeway {
	return Leeway{Extra: s.Headers["extra-ok"] != "", Order: s.Headers["any-order"] != ""}
}

// Owner finds the scenario that a unit belongs to: the longest name that the unit's
// name begins with, up to a "-", "@" or ".". "" is nobody's.
func Owner(scenarios []*Scenario, unit string) string {
	owner := ""
	for _, s := range scenarios {
		if slices.Contains(strings.Fields(s.Headers["also"]), unit) {
			return s.Name
		}
		rest, ok := strings.CutPrefix(unit, s.Name)
		if ok && rest != "" && strings.ContainsAny(rest[:1], "-@.") && len(s.Name) > len(owner) {
			owner = s.Name
		}
	}
	return owner
}
