package main

import (
	"context"
	"fmt"
)

// A storm is work that systemd does as fast as it can. Its units' names begin with
// "storm", by which the rows' counters know them. The scripts are bash's, with $N set.
type storm struct {
	name    string
	n       int           // how many, by default
	jobs    func(int) int // that n of them make; 0 where what is counted is no job
	files   map[string]string
	prepare string // once, before the first row
	before  string // before each run; what it makes is not counted
	run     string // what is measured
	clean   string // after each run
}

const units = "/etc/systemd/system/"

// ran counts the oneshots that have run.
const ran = "ran() { set -- /run/storm/*; echo $#; }\n"

// unlimited lets every row run the same storm again.
const unlimited = "[Unit]\nStartLimitIntervalSec=0\n"

var storms = []storm{
	{
		name: "targets", n: 2000, jobs: func(n int) int { return 2 * n },
		files: map[string]string{units + "storm@.target": unlimited},
		run: `all=$(seq -f 'storm@%.0f.target' $N)
			systemctl start $all
			systemctl stop $all`,
	},
	{
		name: "services", n: 300, jobs: func(n int) int { return n },
		files:   map[string]string{units + "storm-service@.service": unlimited + "[Service]\nExecStart=/bin/sleep infinity\n"},
		prepare: `systemctl start $(seq -f 'storm-service@%.0f.service' $N)`,
		run:     `systemctl restart $(seq -f 'storm-service@%.0f.service' $N)`,
	},
	{
		// A thousand timers that elapse in one instant, as at midnight.
		name: "timers", n: 1000, jobs: func(n int) int { return n },
		files: map[string]string{
			units + "storm-armed@.service": unlimited + "[Service]\nType=oneshot\nExecStart=/usr/bin/touch /run/storm/%i\n",
		},
		prepare: `mkdir -p /run/storm /run/systemd/system`,
		before: `at=$(date -d '+30 seconds' '+%Y-%m-%d %H:%M:%S')
			printf '[Timer]\nOnCalendar=%s\nAccuracySec=1ms\n' "$at" >/run/systemd/system/storm-armed@.timer
			systemctl daemon-reload
			systemctl start $(seq -f 'storm-armed@%.0f.timer' $N)
			[ "$(date '+%Y-%m-%d %H:%M:%S')" \< "$at" ]`,
		run:   ran + `until [ "$(ran)" -ge $N ]; do sleep 0.1; done`,
		clean: `systemctl stop 'storm-armed@*.timer'; rm -f /run/storm/*`,
	},
	{
		// Timers that are new, and elapse at once: each is started by a job, and starts its
		// oneshot by another.
		name: "new-timers", n: 1000, jobs: func(n int) int { return 2 * n },
		files: map[string]string{
			units + "storm-timer@.timer":   unlimited + "[Timer]\nOnActiveSec=1s\nAccuracySec=1ms\n",
			units + "storm-timer@.service": unlimited + "[Service]\nType=oneshot\nExecStart=/usr/bin/touch /run/storm/%i\n",
		},
		prepare: `mkdir -p /run/storm`,
		run: `systemctl start $(seq -f 'storm-timer@%.0f.timer' $N)
			` + ran + `until [ "$(ran)" -ge $N ]; do sleep 0.1; done`,
		clean: `systemctl stop 'storm-timer@*.timer'; rm -f /run/storm/*`,
	},
	{
		// PID 1 reads the table of mounts at most five times a second: the rests let it
		// see each change.
		name: "mounts", n: 2000, jobs: func(int) int { return 0 },
		prepare: `for i in $(seq $((N / 10))); do
				mkdir -p /run/storm-mount/$i && mount --bind /run/storm-mount/$i /run/storm-mount/$i || exit
			done`,
		run: `for round in 1 2 3 4 5; do
				for option in ro rw; do
					for i in $(seq $((N / 10))); do mount -o remount,bind,$option /run/storm-mount/$i || exit; done
					sleep 0.4
				done
			done`,
	},
}

// idle is the storm in which nothing happens.
const idle = "idle"

// script runs one of the storm's scripts.
func (b *bench) script(ctx context.Context, s storm, script string) error {
	if script == "" {
		return nil
	}
	_, err := b.Run(ctx, "bash", "-c", fmt.Sprintf("N=%d\n%s", s.n, script))
	return err
}
