package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// chosen gives the suites to prove things on: $SDWHY_SUITES (such as "252,257,262"),
// by default those that Debian has released.
func chosen() []Suite {
	list := os.Getenv("SDWHY_SUITES")
	if list == "" {
		list = "252,257"
	}
	var suites []Suite
	for _, s := range Suites() {
		if strings.Contains(","+list+",", fmt.Sprintf(",%d,", s.Version)) {
			suites = append(suites, s)
		}
	}
	return suites
}

// needContainers skips, with the reason, where no container can be booted.
func needContainers(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("containers are not booted with -short")
	}
	if os.Getuid() != 0 {
		t.Skip("systemd-nspawn needs root")
	}
	for _, tool := range []string{"systemd-nspawn", "debootstrap", "nsenter", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed; integration/test installs it", tool)
		}
	}
}

// binDir holds the binary that buildOnce builds.
var binDir string

func TestMain(m *testing.M) {
	var err error
	if binDir, err = os.MkdirTemp("", "sdwhy-bin-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(binDir)
	os.Exit(code)
}

var buildOnce = sync.OnceValues(func() (string, error) { return Build(context.Background(), binDir) })

// create boots a world and destroys it when the test ends.
func create(t *testing.T, suite Suite, files map[string][]byte, flags string) *World {
	t.Helper()
	bin, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	w, err := Create(t.Context(), suite, bin, files, flags)
	closeLater(t, w)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s booted and followed in %.1f s", suite.Name, time.Since(start).Seconds())
	return w
}

// closeLater destroys a world, nil for none, when the test ends.
func closeLater(t *testing.T, w *World) {
	if w == nil {
		return
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("sdwhy's stderr:\n%s", w.Stderr())
			keep(t, w)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// keep copies what sdwhy wrote to $SDWHY_KEEP, so that a failure can be studied.
func keep(t *testing.T, w *World) {
	dir := os.Getenv("SDWHY_KEEP")
	if dir == "" {
		return
	}
	for _, path := range []string{eventsPath, w.recording, stderrPath} {
		data, err := os.ReadFile(w.Path(path))
		if err == nil {
			name := strings.ReplaceAll(t.Name(), "/", "-") + "-" + filepath.Base(path)
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Log(err)
		}
	}
}

func TestScenarios(t *testing.T) {
	needContainers(t)
	all, err := Scenarios("testdata/scenarios")
	if err != nil {
		t.Fatal(err)
	}
	table := NewTable(all)
	t.Cleanup(func() { fmt.Print(table) })
	for _, suite := range chosen() {
		t.Run(fmt.Sprint(suite.Version), func(t *testing.T) {
			t.Parallel()
			w := create(t, suite, FilesOf(all), Recording)
			for _, phase := range []string{"boot", "", "shutdown"} {
				for _, s := range all {
					if s.Contained() && s.Headers["phase"] == phase {
						t.Run(s.Name, func(t *testing.T) { play(t, w, s, all, suite.Version, table) })
					}
				}
			}
			if err := record(w, all, suite.Version, table); err != nil {
				t.Error(err)
			}
		})
	}
}

func play(t *testing.T, w *World, s *Scenario, all []*Scenario, version int, table *Table) {
	if !s.Runs(version) {
		table.Set(s, version, notHere, Played{})
		return
	}
	start := time.Now()
	p, err := w.Play(t.Context(), s, all, version)
	table.Set(s, version, wrong, p)
	if err != nil {
		t.Error(err)
	}
	for _, f := range p.Faults {
		t.Error(f)
	}
	if !t.Failed() {
		table.Set(s, version, right, p)
	} else {
		for _, e := range p.Events {
			t.Log("got: " + show(e))
		}
	}
	t.Logf("%s: %.1f s", s.Name, time.Since(start).Seconds())
	if s.Headers["phase"] == "" {
		if err := w.Tidy(t.Context(), s); err != nil {
			t.Error(err)
		}
	}
}
