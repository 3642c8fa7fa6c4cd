package integration

import (
	"bytes"
	"context"
	_ "embed" // prelude.sh
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed prelude.sh
var prelude string

// Where sdwhy writes inside a container.
const (
	eventsPath  = "/root/events.jsonl"
	recordPath  = "/root/rec.jsonl"
	latencyPath = "/root/latency.tsv"
	stderrPath  = "/root/stderr"
)

// Recording are watch's flags for tests: everything is seen, and recorded.
const Recording = "--output json --type all --record " + recordPath

// watchUnit runs sdwhy as people run it: as a service, from the boot on, and while
// everything else is isolated away.
const watchUnit = `[Unit]
Description=sdwhy under test
After=dbus.service
Wants=dbus.service
IgnoreOnIsolate=yes
[Service]
ExecStart=/usr/local/bin/sdwhy watch %s
Environment=SDWHY_DEBUG_LATENCY=` + latencyPath + `
StandardOutput=append:` + eventsPath + `
StandardError=append:` + stderrPath + `
OOMScoreAdjust=-900
`

// probeUnit is started until its event is seen: then sdwhy follows.
const probeUnit = "[Service]\nType=oneshot\nExecStart=/bin/true\n"

// A World is a booted container in which sdwhy watches.
type World struct {
	*Container
	Events *Tail

	player    []string // what a scenario's script is run through, to be another user's
	recording string   // where sdwhy records
}

// Build compiles sdwhy into dir and returns the binary's path.
func Build(ctx context.Context, dir string) (string, error) {
	if bin := os.Getenv("SDWHY_BIN"); bin != "" {
		return bin, nil
	}
	bin := filepath.Join(dir, "sdwhy")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "sdwhy/cmd/sdwhy").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("failed to build sdwhy: %w\n%s", err, lastLines(string(out), 10))
	}
	return bin, nil
}

// Create boots a suite with files and sdwhy, whose flags for watch are given, and
// waits until it follows. The World must be closed even if there is an error, when it is not nil.
func Create(ctx context.Context, suite Suite, bin string, files map[string][]byte, flags string) (*World, error) {
	base, err := Rootfs(ctx, suite)
	if err != nil {
		return nil, err
	}
	c, err := Prepare(fmt.Sprintf("sdwhy%d-%d", suite.Version, os.Getpid()))
	if err != nil {
		return nil, err
	}
	w := &World{Container: c, Events: NewTail(c.Path(eventsPath)), recording: recordPath}
	if err := w.install(bin, files, flags); err != nil {
		return w, err
	}
	if err := c.Boot(ctx, base); err != nil {
		return w, err
	}
	return w, w.follow(ctx)
}

func (w *World) install(bin string, files map[string][]byte, flags string) error {
	binary, err := os.ReadFile(bin)
	if err != nil {
		return err
	}
	all := map[string][]byte{
		"/usr/local/bin/sdwhy":                               binary,
		"/etc/systemd/system/sdwhy-test.service":             fmt.Appendf(nil, watchUnit, flags),
		"/etc/systemd/system/sdwhy-probe.service":            []byte(probeUnit),
		"/etc/hostname":                                      []byte("host\n"),
		"/etc/systemd/system/multi-user.target.d/sdwhy.conf": []byte("[Unit]\nWants=sdwhy-test.service\n"),
	}
	maps.Copy(all, files)
	for path, data := range all {
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(data, []byte("\x7fELF")) || bytes.HasPrefix(data, []byte("#!")) {
			mode = 0o755
		}
		if err := w.Install(path, data, mode); err != nil {
			return fmt.Errorf("failed to install %s: %w", path, err)
		}
	}
	return os.MkdirAll(w.Path("/root"), 0o700)
}

// FilesOf gathers what the scenarios that a container can play need in it.
func FilesOf(scenarios []*Scenario) map[string][]byte {
	files := map[string][]byte{}
	for _, s := range scenarios {
		if s.Contained() {
			maps.Copy(files, s.Files)
			files[s.script()] = []byte(s.prelude() + s.Run)
		}
	}
	return files
}

// follow starts the probe until sdwhy tells of it.
func (w *World) follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	before := len(w.Output())
	for next := time.Now(); ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(next) {
			if _, err := w.play(ctx, "systemctl", w.scope(), "start", "sdwhy-probe.service"); err != nil {
				return err
			}
			next = time.Now().Add(500 * time.Millisecond)
		}
		if bytes.Contains(w.Output()[before:], []byte("sdwhy-probe.service")) {
			return nil
		}
	}
	return fmt.Errorf("sdwhy did not come up in %s:\n%s", w.Name, w.Stderr())
}

// scope is systemctl's option for the manager that is watched.
func (w *World) scope() string {
	if w.player != nil {
		return "--user"
	}
	return "--system"
}

// Output is all that sdwhy has written to stdout.
func (w *World) Output() []byte {
	out, _ := os.ReadFile(w.Path(eventsPath))
	return out
}

// Stderr is the last of what sdwhy itself said.
func (w *World) Stderr() string {
	out, _ := os.ReadFile(w.Path(stderrPath))
	return lastLines(string(out), 20)
}
