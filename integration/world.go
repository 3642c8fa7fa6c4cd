package integration

import (
	"context"
	_ "embed" // prelude.sh
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// watchUnit runs sdwhy as people run it: as a service, from the boot on, and while
// everything else is isolated away.
const watchUnit = `[Unit]
Description=sdwhy under test
After=dbus.service
Wants=dbus.service
IgnoreOnIsolate=yes
[Service]
ExecStart=/usr/local/bin/sdwhy watch --output json --type all --record ` + recordPath + ` %s
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
	Before []map[string]any // events of the boot
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

// Create boots a suite with the scenarios' files and sdwhy, and waits until it follows.
func Create(ctx context.Context, suite Suite, bin string, scenarios []*Scenario, flags ...string) (*World, error) {
	base, err := Rootfs(ctx, suite)
	if err != nil {
		return nil, err
	}
	c, err := Prepare(fmt.Sprintf("sdwhy%d-%d", suite.Version, os.Getpid()))
	if err != nil {
		return nil, err
	}
	w := &World{Container: c, Events: NewTail(c.Path(eventsPath))}
	if err := w.install(bin, scenarios, flags); err != nil {
		return w, err
	}
	if err := c.Boot(ctx, base); err != nil {
		return w, err
	}
	return w, w.follow(ctx)
}

func (w *World) install(bin string, scenarios []*Scenario, flags []string) error {
	binary, err := os.ReadFile(bin)
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"/usr/local/bin/sdwhy":                               binary,
		"/etc/systemd/system/sdwhy-test.service":             fmt.Appendf(nil, watchUnit, strings.Join(flags, " ")),
		"/etc/systemd/system/sdwhy-probe.service":            []byte(probeUnit),
		"/etc/hostname":                                      []byte("host\n"),
		"/etc/systemd/system/multi-user.target.d/sdwhy.conf": []byte("[Unit]\nWants=sdwhy-test.service\n"),
	}
	for _, s := range scenarios {
		for path, data := range s.Files {
			files[path] = data
		}
		files[scriptPath(s)] = []byte(prelude + s.Run)
	}
	for path, data := range files {
		mode := os.FileMode(0o644)
		if path == "/usr/local/bin/sdwhy" || strings.HasPrefix(string(data), "#!") {
			mode = 0o755
		}
		if err := w.Install(path, data, mode); err != nil {
			return fmt.Errorf("failed to install %s: %w", path, err)
		}
	}
	return os.Chmod(w.Path("/root"), 0o700)
}

func scriptPath(s *Scenario) string { return "/root/play/" + s.Name }

// follow starts the probe until sdwhy tells of it.
func (w *World) follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := w.Run(ctx, "systemctl", "start", "sdwhy-probe.service"); err != nil {
			return err
		}
		once, stop := context.WithTimeout(ctx, 500*time.Millisecond)
		seen := false
		events, err := w.Events.Collect(once, 0, func(map[string]any) bool { return true },
			func(events []map[string]any) bool {
				for _, e := range events {
					seen = seen || e["unit"] == "sdwhy-probe.service"
				}
				return seen
			})
		stop()
		w.Before = append(w.Before, events...)
		if err != nil || seen {
			return err
		}
	}
	return fmt.Errorf("sdwhy did not come up in %s:\n%s", w.Name, w.Stderr())
}

// Stderr is the last of what sdwhy itself said.
func (w *World) Stderr() string {
	out, _ := os.ReadFile(w.Path(stderrPath))
	return lastLines(string(out), 20)
}
