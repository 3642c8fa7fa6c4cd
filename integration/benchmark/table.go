package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// show prints the one table. PID 1's and dbus-daemon's shares are what they used more than
// under the row "none"; a ratio is to the floor's figure in the same storm.
func show(w io.Writer, suite int, rows []row, results []result) {
	find := func(row, storm string) *result {
		for i := range results {
			if results[i].row == row && results[i].storm == storm {
				return &results[i]
			}
		}
		return nil
	}
	fmt.Fprintf(w, "systemd %d, one container, one row after another. CPU time in µs a job (mounts: a change; idle: %% of a core).\n\n", suite)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, strings.Join([]string{"storm", "row", "CPU", "/proc scans", "× floor", "+PID 1", "+dbus", "all", "× floor", "seen", "p50 ms", "p99 ms", "MB", ""}, "\t"))
	last := ""
	for i := range storms {
		showStorm(t, storms[i].name, rows, find, &last)
	}
	showStorm(t, idle, rows, find, &last)
	t.Flush()
	fmt.Fprint(w, legend)
	for _, r := range rows {
		fmt.Fprintf(w, "%-13s %s\n", r.name, r.about)
	}
	showSeen(w, results)
}

const legend = `
CPU: the row's processes together; × floor leaves the /proc scans out, which stand apart.
+PID 1, +dbus: what they used more than under "none"; below 0 is noise. all: CPU with the scans
and both shares.
seen: jobs seen of jobs run. p50, p99: JobRemoved received until event written. MB: anonymous
memory of all processes, the most of it in the storm; when idle, what is left at the end.

`

func showStorm(t io.Writer, storm string, rows []row, find func(row, storm string) *result, last *string) {
	none, floor := find("none", storm), find("floor", storm)
	for _, r := range rows {
		res := find(r.name, storm)
		if res == nil {
			continue
		}
		name := ""
		if *last != storm {
			name, *last = storm, storm
		}
		fmt.Fprintln(t, strings.Join(append([]string{name}, cells(*res, none, floor)...), "\t")+"\t")
	}
}

// cells are a row's cells from its name on.
func cells(res result, none, floor *result) []string {
	own, init, bus := res.share(res.cpu-res.scan), res.share(res.init), res.share(res.bus)
	if res.row == "none" {
		return []string{res.row, "", "", "", figure(init), figure(bus), figure(init + bus), "", res.sawOf(), "", "", ""}
	}
	line := []string{res.row, figure(res.share(res.cpu)), "", "", "", "", "", "", res.sawOf(), "", "", fmt.Sprintf("%.1f", mb(res.memory))}
	if res.scan > 0 {
		line[2] = figure(res.share(res.scan))
	}
	all := func(r result) float64 {
		return r.share(r.cpu) + r.share(r.init) - none.share(none.init) + r.share(r.bus) - none.share(none.bus)
	}
	if floor != nil {
		line[3] = ratio(own, floor.share(floor.cpu))
	}
	if none != nil {
		line[4], line[5], line[6] = figure(init-none.share(none.init)), figure(bus-none.share(none.bus)), figure(all(res))
	}
	if none != nil && floor != nil {
		line[7] = ratio(all(res), all(*floor))
	}
	if res.delays.n > 0 {
		line[9], line[10] = fmt.Sprintf("%.1f", ms(res.delays.p50)), fmt.Sprintf("%.1f", ms(res.delays.p99))
	}
	return line
}

// share is CPU time for a job, µs; or for a change; or % of a core when nothing happens.
func (r result) share(d time.Duration) float64 {
	switch {
	case r.storm == idle:
		return 100 * float64(d) / float64(r.took)
	case r.jobs > 0:
		return float64(d.Microseconds()) / float64(r.jobs)
	}
	return float64(d.Microseconds()) / float64(r.n)
}

func (r result) sawOf() string {
	switch {
	case r.jobs == 0:
		return ""
	case r.row == "none":
		return fmt.Sprintf("of %d", r.jobs)
	}
	return fmt.Sprintf("%d of %d", r.counts.jobs, r.jobs)
}

func figure(x float64) string {
	if x > -10 && x < 10 {
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

func ratio(x, floor float64) string {
	if floor <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", x/floor)
}

func mb(n int64) float64         { return float64(n) / (1 << 20) }
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// showSeen lets one check that the rows which are compared have read the same.
func showSeen(w io.Writer, results []result) {
	fmt.Fprintln(w)
	for _, r := range results {
		if r.signals+r.entries > 0 {
			fmt.Fprintf(w, "%-13s %-9s %d signals, %d entries, in %.1f s\n", r.row, r.storm, r.signals, r.entries, r.took.Seconds())
		}
	}
}
