package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const ratioTarget = 1.5

// TestExplainRatio prints how long explain takes beside journalctl on one journal, in
// one run: 50,000 entries, and a million where SDWHY_BENCH=1.
func TestExplainRatio(t *testing.T) {
	n := 50_000
	if os.Getenv("SDWHY_BENCH") == "1" {
		n = 1_000_000
	}
	if _, err := os.Stat(journalRemote); err != nil {
		t.Skipf("apt-get install systemd-journal-remote: %v", err)
	}
	sdwhy := filepath.Join(t.TempDir(), "sdwhy")
	if out, err := exec.Command("go", "build", "-o", sdwhy, "sdwhy/cmd/sdwhy").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	dir := t.TempDir()
	if err := MakeJournal(t.Context(), filepath.Join(dir, "remote.journal"), n); err != nil {
		t.Fatal(err)
	}
	const unit = JournalUnit
	commands := map[string][]string{
		"journalctl":   {"journalctl", "-D", dir, "-u", unit, "-n", "50", "-o", "json", "--no-pager"},
		"explain text": {sdwhy, "explain", unit, "-D", dir, "-n", "50"},
		"explain json": {sdwhy, "explain", unit, "-D", dir, "-n", "50", "-o", "json"},
	}
	took := map[string][]time.Duration{}
	for range 21 {
		for name, argv := range commands {
			took[name] = append(took[name], wallTime(t, argv))
		}
	}
	base := median(took["journalctl"])
	for _, name := range []string{"explain text", "explain json"} {
		m := median(took[name])
		ratio := float64(m) / float64(base)
		t.Logf("%d entries, %d units: %s -n 50 %v, journalctl -n 50 -o json %v, ratio %.2f (target %.1f)",
			n, journalUnits, name, m.Round(10*time.Microsecond), base.Round(10*time.Microsecond), ratio, ratioTarget)
	}
}

func wallTime(t *testing.T, argv []string) time.Duration {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	var told lineCount
	cmd.Stdout = &told
	began := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v", argv, err)
	}
	took := time.Since(began)
	if told < 8 {
		t.Fatalf("%v wrote %d lines, want 8 or more", argv, told)
	}
	return took
}

type lineCount int

func (n *lineCount) Write(p []byte) (int, error) {
	for _, b := range p {
		if b == '\n' {
			*n++
		}
	}
	return len(p), nil
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}
