package integration

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestBenchmark runs integration/bench with a small storm: its table must have every row, and
// those who can see jobs must have seen each. What anything costs is not asserted.
func TestBenchmark(t *testing.T) {
	needContainers(t)
	bin := t.TempDir() + "/benchmark"
	if out, err := exec.Command("go", "build", "-o", bin, "./benchmark").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), bin, "--rows", "none,floor,sdwhy,journalctl", "--storms", "targets,new-timers", "--jobs", "25", "--idle", "1s")
	cmd.Dir = ".."
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	t.Logf("\n%s", out)
	for _, row := range []string{"floor", "sdwhy", "journalctl"} {
		lines := regexp.MustCompile(`(?m)^ .*\b`+row+` +[0-9.]+ .*$`).FindAllString(string(out), -1)
		if len(lines) != 3 {
			t.Errorf("%d lines of %s, want 3: two storms and idle", len(lines), row)
		}
		for _, line := range lines[:min(2, len(lines))] {
			if !strings.Contains(line, " 50 of 50 ") {
				t.Errorf("not every job was seen: %s", line)
			}
		}
	}
}
