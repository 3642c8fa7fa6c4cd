package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// victims are jobs that are run, one by one, while another unit makes all the noise it
// can: $NOISE names the noisy ones.
var victims = storm{
	name: "victims", n: 100, jobs: func(n int) int { return n },
	files: map[string]string{
		units + "storm-victim@.service":           "[Service]\nType=oneshot\nExecStart=/bin/true\n",
		units + "noisy.service":                   "[Service]\nExecStart=/usr/bin/yes a line that says nothing at all\nLogRateLimitIntervalSec=0\n",
		units + "restless.service":                unlimited + "[Service]\nExecStart=/bin/true\nRestart=always\nRestartSec=0\n",
		"/etc/systemd/journald.conf.d/bench.conf": "[Journal]\nSystemMaxUse=500M\n",
	},
	run: `[ -z "$NOISE" ] || systemctl start $NOISE
		sleep 1
		for i in $(seq $N); do systemctl start storm-victim@$i.service; sleep 0.03; done
		sleep 1
		[ -z "$NOISE" ] || systemctl stop $NOISE`,
}

var noises = []struct{ name, units string }{
	{"none", ""},
	{"a unit logs as fast as it can", "noisy.service"},
	{"a unit restarts in a loop", "restless.service"},
	{"both", "noisy.service restless.service"},
}

// drown prints what noise does to the delay of others' events.
func (b *bench) drown(ctx context.Context) error {
	fmt.Println("another unit's noise            seen        p50 ms  p99 ms  max ms  without evidence  entries  peak MB   (the deadline is 250 ms)")
	for _, noise := range noises {
		s := victims
		s.run = fmt.Sprintf("NOISE=%q\n%s", noise.units, s.run)
		var res result
		err := b.fresh(ctx, func(time.Duration, int64) (err error) { res, err = b.storm(ctx, s); return err })
		if err != nil {
			return err
		}
		missing, err := b.missing()
		if err != nil {
			return err
		}
		fmt.Printf("%-30s  %-10s  %6.1f  %6.1f  %6.1f  %16d  %7d  %7.1f\n", noise.name, res.sawOf(), ms(res.delays.p50), ms(res.delays.p99), ms(res.delays.max),
			missing, res.entries, mb(res.memory))
	}
	return nil
}

// missing counts the last storm's events that had to go without some evidence.
func (b *bench) missing() (n int, err error) {
	data, err := os.ReadFile(b.Path(b.row.path("out")))
	if err != nil {
		return 0, err
	}
	last := map[string]bool{}
	for line := range bytes.Lines(data) {
		var e struct {
			Unit    string
			Missing []string
		}
		if json.Unmarshal(line, &e) == nil && strings.HasPrefix(e.Unit, "storm-victim@") {
			last[e.Unit] = len(e.Missing) > 0 // the newest counts
		}
	}
	for _, missed := range last {
		if missed {
			n++
		}
	}
	return n, nil
}
