// Command benchmark boots a container and measures, one after another, what it costs to watch
// systemd: a bare reader, sdwhy, and what people would pick instead. integration/bench does
// the set-up; its --help lists the flags.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sdwhy/integration"
)

// options are the flags.
type options struct {
	suite, jobs   int
	rows, storms  string
	idle          time.Duration
	pprof         string
	growth, flood bool
}

func main() {
	var o options
	flag.IntVar(&o.suite, "suite", 257, "systemd `version` of the container: 252 or 257")
	flag.StringVar(&o.rows, "rows", "", "only these `rows`, such as floor,sdwhy")
	flag.StringVar(&o.storms, "storms", "", "only these `storms`, such as targets,services; - for none")
	flag.IntVar(&o.jobs, "jobs", 0, "the `size` of each storm, instead of its own")
	flag.DurationVar(&o.idle, "idle", 20*time.Second, "measure for so `long` while nothing happens, 0 for not at all")
	flag.StringVar(&o.pprof, "pprof", "", "write CPU profiles of sdwhy's processes to this `folder`")
	flag.BoolVar(&o.growth, "growth", false, "measure instead how cost grows with units, processes and the journal")
	flag.BoolVar(&o.flood, "flood", false, "measure instead what a flood from one unit does to another's events")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.growth || o.flood {
		o.rows = "sdwhy"
	}
	chosenRows, err := choose(rows, o.rows, func(r row) string { return r.name })
	if err != nil {
		return err
	}
	chosenStorms, err := choose(storms, o.storms, func(s storm) string { return s.name })
	if err != nil {
		return err
	}
	for i := range chosenStorms {
		if o.jobs > 0 {
			chosenStorms[i].n = o.jobs
		}
	}
	b := &bench{options: o, storms: chosenStorms}
	do := func(ctx context.Context) error { return b.table(ctx, chosenRows) }
	switch {
	case o.growth:
		b.storms, do = append(chosenStorms, grown, asked), b.grow
	case o.flood:
		b.storms, do = []storm{victims}, b.drown
	}
	if err := b.boot(ctx, chosenRows); err != nil {
		return err
	}
	defer b.Close()
	return do(ctx)
}

// choose picks what list names, all for "".
func choose[T any](all []T, list string, name func(T) string) ([]T, error) {
	switch list {
	case "":
		return slices.Clone(all), nil
	case "-":
		return nil, nil
	}
	var chosen []T
	for _, n := range strings.Split(list, ",") {
		i := slices.IndexFunc(all, func(t T) bool { return name(t) == n })
		if i < 0 {
			var known []string
			for _, t := range all {
				known = append(known, name(t))
			}
			return nil, fmt.Errorf("no %q; there are %s", n, strings.Join(known, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// needed says whether a row runs the program.
func needed(rows []row, program string) bool {
	return slices.ContainsFunc(rows, func(r row) bool { return strings.Contains(r.exec+r.sink(), program) })
}

func suite(version int) (integration.Suite, error) {
	for _, s := range integration.Suites() {
		if s.Version == version {
			return s, nil
		}
	}
	return integration.Suite{}, fmt.Errorf("no suite with systemd %d", version)
}
