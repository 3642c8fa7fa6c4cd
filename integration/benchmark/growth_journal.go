package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"sdwhy/enrich"
	"sdwhy/integration"
	"sdwhy/journal"
)

var journalSizes = []int{10_000, 100_000, 1_000_000} // entries

// growJournal follows and explains journals of more and more entries, on the host.
func (b *bench) growJournal(ctx context.Context) error {
	sdwhy := b.Path("/usr/local/bin/sdwhy")
	fmt.Println("\njournal entries  follower up ms  explain UNIT -n 50 ms  journalctl -u UNIT -n 50 -o json ms   (medians of 11)")
	for _, n := range journalSizes {
		tmp, err := os.MkdirTemp("", "sdwhy-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		if err := integration.MakeJournal(ctx, filepath.Join(tmp, "remote.journal"), n); err != nil {
			return err
		}
		up := middle(func() { follow(ctx, sdwhy, tmp) })
		explain := middle(func() {
			_ = exec.CommandContext(ctx, sdwhy, "explain", integration.JournalUnit, "-D", tmp, "-n", "50").Run()
		})
		journalctl := middle(func() {
			_ = exec.CommandContext(ctx, "journalctl", "-D", tmp, "-u", integration.JournalUnit, "-n", "50", "-o", "json", "--no-pager").Run()
		})
		fmt.Printf("%15d  %14.1f  %21.1f  %35.1f\n", n, ms(up), ms(explain), ms(journalctl))
	}
	return nil
}

// follow follows a journal until it is up.
func follow(ctx context.Context, sdwhy, dir string) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f := &journal.Follower{Exec: []string{sdwhy, "journal-child"}, Directory: dir}
	_ = f.Run(ctx, func(o enrich.Observation) {
		if o.Kind == enrich.KindWitness && o.Witness.Up {
			stop()
		}
	})
}

// middle is the median time that do takes.
func middle(do func()) time.Duration {
	var took []time.Duration
	for range 11 {
		began := time.Now()
		do()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2]
}
