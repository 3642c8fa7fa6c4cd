package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// createUser boots a world with a user's manager and destroys it when the test ends.
func createUser(t *testing.T, suite Suite, files map[string][]byte) *World {
	t.Helper()
	bin, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	w, err := CreateUser(t.Context(), suite, bin, files)
	closeLater(t, w)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s booted and followed in %.1f s", suite.Name, time.Since(start).Seconds())
	return w
}

// TestUser plays scenarios on a user's manager.
func TestUser(t *testing.T) {
	needContainers(t)
	every, err := Scenarios("testdata/scenarios")
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("SDWHY_USER") == "all" {
		for _, s := range every {
			s.Headers["user"] = "true"
		}
	}
	all := OfUser(every)
	table := NewTable(all)
	t.Cleanup(func() { fmt.Print(table) })
	for _, suite := range chosen() {
		t.Run(fmt.Sprint(suite.Version), func(t *testing.T) {
			t.Parallel()
			w := createUser(t, suite, FilesOf(all))
			for _, phase := range []string{"boot", "", "shutdown"} {
				for _, s := range all {
					if s.Headers["phase"] == phase {
						t.Run(s.Name, func(t *testing.T) { play(t, w, s, all, suite.Version, table) })
					}
				}
			}
			if err := record(w, all, suite.Version, table); err != nil {
				t.Error(err)
			}
			t.Run("again", func(t *testing.T) { begunAnew(t, w) })
			t.Run("explain", func(t *testing.T) { explains(t, w) })
			t.Run("volatile", func(t *testing.T) { volatile(t, w) })
		})
	}
}

// begunAnew: a manager that is started anew counts its jobs from 1. sdwhy, which has run
// beside it, begins anew with it.
func begunAnew(t *testing.T, w *World) {
	old, _, err := w.newest()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Run(t.Context(), "systemctl", "start", "user@"+aliceUID+".service"); err != nil {
		t.Fatal(err)
	}
	if err := w.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	manager, events, err := w.newest()
	if err != nil {
		t.Fatal(err)
	}
	if manager == old {
		t.Errorf("the newest event is of %s, which is gone", old)
	}
	for _, e := range events {
		if id := fmt.Sprint(e["id"]); e["manager"] == manager && !strings.Contains(id, "/"+manager+"/") {
			t.Errorf("the id %s is not of %s", id, manager)
		}
	}
}

// explains: explain --user rebuilds, of both managers that alice has had, what was told live:
// the same ids, and the same causes or less.
func explains(t *testing.T, w *World) {
	_, events, err := w.newest()
	if err != nil {
		t.Fatal(err)
	}
	live, managers := map[any]map[string]any{}, map[any]int{}
	for _, e := range events {
		live[e["id"]] = e
	}
	out, err := w.play(t.Context(), "sdwhy", "explain", "--user", "-o", "json", "-n", "1000", "*")
	if err != nil {
		t.Fatal(err)
	}
	past, err := ParseEvents([]byte(out))
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for _, e := range past {
		managers[e["manager"]]++
		switch l := live[e["id"]]; {
		case l == nil:
			t.Logf("only from the journal: %v %v %v", e["id"], e["unit"], e["action"])
		case e["cause"] == l["cause"]:
			same++
		case e["cause"] == "unknown" && e["missing"] != nil,
			e["cause"] == "manual" && (l["cause"] == "automation" || l["cause"] == "package"),
			e["unit"] == "start-window.service", // conceded, see TestAgreement
			e["unit"] == "sdwhy-probe.service":  // it came while sdwhy did
		default:
			t.Errorf("%v %v %v: cause %v from the journal alone, live %v", e["id"], e["unit"], e["action"], e["cause"], l["cause"])
		}
	}
	t.Logf("%d events from the journal alone, %d live; %d with the same cause; by manager %v", len(past), len(live), same, managers)
	if same < len(past)/8 || len(managers) != 2 {
		t.Errorf("%d of %d events have the same cause; managers are %v, want two", same, len(past), managers)
	}
}

// volatile: where the journal is volatile, a user may not read even her own manager's entries,
// though old ones of hers are there; check says so, and the group mends it.
func volatile(t *testing.T, w *World) {
	check := func() (string, error) { return w.play(t.Context(), "sdwhy", "check", "--user") }
	if out, err := check(); err != nil {
		t.Errorf("with a persistent journal: %v\n%s", err, out)
	}
	const script = `mkdir -p /run/systemd/journald.conf.d
		printf '[Journal]\nStorage=volatile\n' >/run/systemd/journald.conf.d/volatile.conf
		systemctl restart systemd-journald.service`
	if _, err := w.Run(t.Context(), "sh", "-euc", script); err != nil {
		t.Fatal(err)
	}
	if out, err := check(); err == nil || !strings.Contains(out, "FAIL  journal") || !strings.Contains(out, "join the group systemd-journal") {
		t.Errorf("with a volatile journal: %v\n%s", err, out)
	}
	if _, err := w.Run(t.Context(), "usermod", "-aG", "systemd-journal", alice); err != nil {
		t.Fatal(err)
	}
	if out, err := check(); err != nil {
		t.Errorf("in the group systemd-journal: %v\n%s", err, out)
	}
}
