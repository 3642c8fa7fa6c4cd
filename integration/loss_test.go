package integration

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	stateDir = "/var/lib/sdwhy"
)

// lossUnits make of sdwhy what the shipped service is: notified, watched, restarted, with a
// state directory, here on a disk that can be filled.
var lossUnits = map[string]string{
	"/etc/systemd/system/sdwhy-test.service.d/loss.conf": `[Unit]
StartLimitIntervalSec=0
RequiresMountsFor=` + stateDir + `
[Service]
Type=notify
NotifyAccess=main
Restart=always
RestartSec=100ms
StateDirectory=sdwhy
WatchdogSec=20s
TimeoutStartSec=20s
TimeoutStopSec=20s
`,
	"/etc/systemd/system/var-lib-sdwhy.mount": `[Mount]
What=tmpfs
Where=` + stateDir + `
Type=tmpfs
Options=size=8m
`,
	// The witness must keep everything, whatever the pace.
	"/etc/systemd/journald.conf.d/loss.conf": "[Journal]\nRateLimitIntervalSec=0\nSystemMaxFiles=2000\nRuntimeMaxFiles=2000\nSystemMaxFileSize=8M\n",

	"/etc/systemd/system/down@.target":     "[Unit]\n",
	"/etc/systemd/system/kill@.target":     "[Unit]\n",
	"/etc/systemd/system/kill-noop.target": "[Unit]\n",
	"/etc/systemd/system/rot@.target":      "[Unit]\n",
	"/etc/systemd/system/full@.target":     "[Unit]\n",
	"/etc/systemd/system/first@.target":    "[Unit]\n",
	"/etc/systemd/system/stop@.target":     "[Unit]\n",
	"/etc/systemd/system/stall@.target":    "[Unit]\n",
	"/etc/systemd/system/bus@.service":     "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep infinity\n",
	// A crash without a restart leaves no job: its exit must not be lost either.
	"/etc/systemd/system/verdict-crash@.service": "[Service]\nExecStart=/bin/sh -c 'sleep 0.1; exit 3'\n",
	"/etc/systemd/system/kill-crash@.service":    "[Service]\nExecStart=/bin/sh -c 'sleep 0.1; exit 3'\n",
}

const lossFlags = "--output json --type all --verdicts --metrics 127.0.0.1:9757 --riemann tcp://127.0.0.1:" + sinkPort

// A lossRow plays a fault and says how many jobs it asked for, all of units with that prefix.
type lossRow struct {
	name, prefix string
	play         func(*testing.T, *World) int
}

var lossRows = []lossRow{
	{"disk full", "full", diskFull},
	{"Riemann down for 500 events", "down", riemannDown},
	{"kill -9, 20 times in 1,000 jobs", "kill", killed},
	{"dbus restart, reload and reexec", "bus", busFaults},
	{"100 rotations during 500 jobs", "rot", rotations},
	{"killed after its first start", "first@", firstStart},
	{"clean stop and start in 300 jobs", "stop", cleanStops},
	{"journald stalled", "stall", stalledJournald},
}

// TestLoss plays each fault that sdwhy must outlive and compares what reached
// Riemann with what PID 1 itself logged.
func TestLoss(t *testing.T) {
	needContainers(t)
	files := buildSink(t)
	maps.Copy(files, riemannUnits)
	for path, text := range lossUnits {
		files[path] = []byte(text)
	}
	for _, suite := range chosen() {
		t.Run(fmt.Sprint(suite.Version), func(t *testing.T) {
			t.Parallel()
			w := create(t, suite, files, lossFlags)
			ready(t, w)
			started := time.Now()
			var table []string
			for _, row := range lossRows {
				t.Run(row.prefix, func(t *testing.T) { table = append(table, row.run(t, w).String()) })
			}
			t.Run("verdicts", func(t *testing.T) { verdicts(t, w) })
			t.Run("service", func(t *testing.T) { service(t, w) })
			t.Logf("systemd %d, %.0f s\n%s", suite.Version, time.Since(started).Seconds(), strings.Join(table, "\n"))
		})
	}
}

func (r lossRow) run(t *testing.T, w *World) Loss {
	t.Helper()
	start := time.Now()
	played := r.play(t, w)
	due, err := w.DueOf(t.Context(), r.prefix)
	if err != nil {
		t.Fatal(err)
	}
	l, got := arrive(t, w, r.prefix, due, played)
	l.Row, l.Took, l.Retold = r.name, time.Since(start), w.Retold(r.prefix)
	l.Gaps = max(0, played-len(due.Any)-extra(got, due))
	if l.Lost > 0 {
		slices.Sort(l.Missing)
		t.Errorf("lost: %s", strings.Join(l.Missing, " "))
	}
	if l.Due < played*9/10 {
		t.Errorf("%d events are due of %d jobs: the witness saw too little", l.Due, played)
	}
	t.Logf("%s; %d events of jobs without an entry", l, extra(got, due))
	return l
}

// extra counts events that no entry asks for: no-ops and canceled jobs seen live.
func extra(got map[string]int, due Due) (n int) {
	for id := range got {
		if !due.Any[id] && !due.Exits[id] && strings.Contains(id, "/job/") {
			n++
		}
	}
	return n
}

// arrive waits until all that is due has reached the sink.
func arrive(t *testing.T, w *World, prefix string, due Due, played int) (Loss, map[string]int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		got, err := w.Arrived(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if l := due.Count(got, played); l.Lost == 0 || time.Now().After(end) {
			return l, got
		}
	}
}

// sh runs a script inside.
func sh(t *testing.T, w *World, script string) string {
	t.Helper()
	out, err := w.Run(t.Context(), "bash", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// within waits until script succeeds.
func within(t *testing.T, w *World, limit time.Duration, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if _, err := w.Run(ctx, "bash", "-c", "until "+script+"; do sleep 0.05; done"); err != nil {
		_, _ = w.Run(t.Context(), "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9757; printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3; timeout 2 cat <&3 >/root/metrics")
		metrics, _ := os.ReadFile(w.Path("/root/metrics"))
		t.Fatalf("not within %v: %s: %v\n%s", limit, script, err, metrics)
	}
}

func ready(t *testing.T, w *World) {
	t.Helper()
	within(t, w, 20*time.Second, `[ "$(systemctl show -P ActiveState sdwhy-test)" = active ]`)
}

// background runs a script while the test goes on; the function waits for it.
func background(t *testing.T, w *World, script string) func() {
	t.Helper()
	done := make(chan error, 1)
	go func() { _, err := w.Run(t.Context(), "bash", "-c", script); done <- err }()
	return func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func riemannDown(t *testing.T, w *World) int {
	sh(t, w, "systemctl stop sink; systemctl start down@{1..500}.target")
	within(t, w, 20*time.Second, metric("queue", "-ge", 500))
	sh(t, w, "systemctl start sink")
	return 500
}

// metric compares one of sdwhy's own counters, read as Prometheus would. bash speaks HTTP well enough.
func metric(name, op string, value int) string {
	return fmt.Sprintf(`{ exec 3<>/dev/tcp/127.0.0.1/9757 && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 &&
		v=$(awk '$1 == "sdwhy_%s" { printf "%%d", $2 }' <&3) && [ "${v:--1}" %s %d ]; } 2>/dev/null`, name, op, value)
}

// killed plays jobs, no-ops and services that crash for good, 22 in each of 50 batches, and
// kills sdwhy at a random moment of 20 of them. With no-ops, nothing is left in the journal
// to tell of those that nobody heard: they are the declared gap.
func killed(t *testing.T, w *World) int {
	for i, batch := range rand.Perm(50) {
		wait := background(t, w, fmt.Sprintf("systemctl start $(seq -f kill@%%g.target %d %d) kill-crash@%d.service kill-noop.target",
			i*20+1, i*20+20, i))
		if batch < 20 {
			time.Sleep(rand.N(150 * time.Millisecond))
			sh(t, w, `until p=$(systemctl show -P MainPID sdwhy-test); [ "$p" != 0 ] && kill -9 "$p" 2>/dev/null; do sleep 0.01; done`)
		}
		wait()
	}
	ready(t, w)
	return 50 * 22
}

// busFaults restarts 20 services ten times while the bus or PID 1 goes away under sdwhy.
func busFaults(t *testing.T, w *World) int {
	wait := background(t, w, `for i in {1..10}; do
		for j in {1..20}; do systemctl --no-block restart bus@$j.service || echo refused; done; sleep 0.2
	done`)
	for _, fault := range []string{"restart dbus", "daemon-reload", "daemon-reexec", "daemon-reload", "restart dbus", "daemon-reexec"} {
		time.Sleep(300 * time.Millisecond)
		// systemctl's own connection may break with the fault that it asks for.
		_, _ = w.Run(t.Context(), "systemctl", strings.Fields(fault)[0], strings.Join(strings.Fields(fault)[1:], " "))
	}
	wait()
	within(t, w, 20*time.Second, `[ -z "$(systemctl list-jobs --no-legend)" ]`)
	return 200
}

func rotations(t *testing.T, w *World) int {
	before := descriptors(t, w)
	sh(t, w, `for i in {0..99}; do
		systemctl start rot@{$i,$((i+100)),$((i+200)),$((i+300)),$((i+400))}.target
		journalctl --rotate
	done`)
	if after := descriptors(t, w); after > before+8 {
		t.Errorf("%d descriptors are open after the rotations, %d before", after, before)
	}
	return 500
}

// descriptors counts what sdwhy's processes have open, the journal's files apart: libsystemd
// keeps each of those open for as long as it exists.
func descriptors(t *testing.T, w *World) int {
	t.Helper()
	n, err := strconv.Atoi(sh(t, w, `for p in $(cat /sys/fs/cgroup/system.slice/sdwhy-test.service/cgroup.procs); do
		find /proc/$p/fd -type l -printf '%l\n' 2>/dev/null; done | grep -vc '/log/journal/'`))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// diskFull plays once with Riemann there, and once without, until there is room again.
func diskFull(t *testing.T, w *World) int {
	sh(t, w, "dd if=/dev/zero of="+stateDir+"/fill bs=4k status=none || :; systemctl start full@{1..200}.target")
	due, err := w.DueOf(t.Context(), "full")
	if err != nil {
		t.Fatal(err)
	}
	if l, _ := arrive(t, w, "full", due, 200); l.Lost > 0 {
		t.Errorf("%d events did not arrive on a full disk", l.Lost)
	}
	sh(t, w, "systemctl stop sink; systemctl start full@{201..400}.target")
	within(t, w, 20*time.Second, metric("queue", "-ge", 200))
	sh(t, w, "rm "+stateDir+"/fill")
	within(t, w, 20*time.Second, "grep -q 'can be written again' "+stderrPath)
	sh(t, w, "systemctl start sink")
	return 400
}

// firstStart kills a sdwhy that has never told anything and plays while it is away.
func firstStart(t *testing.T, w *World) int {
	sh(t, w, "systemctl stop sdwhy-test; rm "+stateDir+`/outbox; systemctl start sdwhy-test; sleep 0.5
		kill -9 $(systemctl show -P MainPID sdwhy-test); systemctl start first@{1..20}.target`)
	ready(t, w)
	return 20
}

func cleanStops(t *testing.T, w *World) int {
	wait := background(t, w, `for i in {0..29}; do
		systemctl start $(seq -f 'stop@%g.target' $((i*10+1)) $((i*10+10)))
		sleep 0.1
	done`)
	for range 4 {
		sh(t, w, "sleep 0.3; systemctl restart sdwhy-test")
	}
	wait()
	return 300
}

// stalledJournald leaves sdwhy without evidence for a while: events come all the same.
func stalledJournald(t *testing.T, w *World) int {
	sh(t, w, "systemctl kill -s STOP systemd-journald; systemctl start stall@{1..50}.target")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got, err := w.Arrived("stall")
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 50 {
			break
		}
		if time.Now().After(end) {
			t.Errorf("%d of 50 events arrived while journald stood still", len(got))
			break
		}
	}
	sh(t, w, "systemctl kill -s CONT systemd-journald; journalctl --sync")
	return 50
}

// verdicts are found by cause.
func verdicts(t *testing.T, w *World) {
	sh(t, w, "systemctl start verdict-crash@1.service")
	within(t, w, 10*time.Second, "journalctl SDWHY_CAUSE=crash SDWHY_ACTION=exit SDWHY_UNIT=verdict-crash@1.service -o cat -q | grep -q .")
}

// service looks at sdwhy as systemd and Riemann see it: its status, its heartbeat, a clean
// stop, and the watchdog that a process which stands still no longer answers.
func service(t *testing.T, w *World) {
	within(t, w, 30*time.Second, "systemctl show -P StatusText sdwhy-test | grep -q signals")
	within(t, w, 30*time.Second, `grep -q '"service":"sdwhy",.*"journal_lag_s"' `+sinkOutput)
	if out := sh(t, w, "journalctl -u sdwhy-test -o cat | grep -i 'watchdog timeout' || :"); out != "" {
		t.Errorf("the watchdog went unanswered: %s", out)
	}
	sh(t, w, "systemctl stop sdwhy-test")
	if out := sh(t, w, "systemctl show -P Result sdwhy-test"); out != "success" {
		t.Errorf("a clean stop has the result %s", out)
	}
	sh(t, w, `mkdir -p /run/systemd/system/sdwhy-test.service.d
		printf '[Service]\nWatchdogSec=3s\n' >/run/systemd/system/sdwhy-test.service.d/watchdog.conf
		systemctl daemon-reload; systemctl start sdwhy-test; kill -STOP $(systemctl show -P MainPID sdwhy-test)`)
	within(t, w, 20*time.Second, "journalctl -u sdwhy-test -o cat -n 50 | grep -qi 'watchdog timeout'")
	ready(t, w)
}
