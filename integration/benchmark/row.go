package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sdwhy/integration"
)

// A row is one way to watch systemd. It is a service, so that its cgroup tells what
// all its processes cost together.
type row struct {
	name   string
	about  string
	exec   string        // its command; "" for none
	setup  string        // run before it is started
	notify bool          // it says itself when it follows
	scrape time.Duration // how often it is asked, 0 for a row that is not
	count  func(*bench) (counts, error)
}

// counts are what a row has seen since it began, by its own word.
type counts struct {
	jobs, signals, entries int
	scans                  int           // sdwhy's scans of /proc
	scan                   time.Duration // CPU time of these
}

const (
	dir      = "/root/bench/"
	metrics  = "9757"
	sinkPort = "5555"
	exporter = "9558"

	watch = "/usr/local/bin/sdwhy watch --type all --metrics 127.0.0.1:" + metrics
)

var rows = []row{
	{name: "none", about: "nothing watches"},
	{name: "floor", about: "a bare C reader of the same signals and entries (integration/floor)",
		exec: "/usr/local/bin/floor", notify: true, count: told("floor")},
	{name: "sdwhy", about: "sdwhy watch --output json --type all, into a file",
		exec: watch + " --output json", notify: true, count: (*bench).printed},
	{name: "riemann", about: "sdwhy watch --riemann, with an outbox on disk, to a sink that acknowledges",
		exec:  watch + " --riemann tcp://127.0.0.1:" + sinkPort + " --state-directory " + dir + "state",
		setup: "mkdir -p " + dir + "state; systemctl start row-sink.service", notify: true, count: (*bench).arrived},
	{name: "exporter-15s", about: "systemd_exporter, scraped every 15 s: it reads states, and sees no job",
		exec: "/usr/local/bin/systemd_exporter --web.listen-address=127.0.0.1:" + exporter, scrape: 15 * time.Second},
	{name: "exporter-1s", about: "systemd_exporter, scraped every second",
		exec: "/usr/local/bin/systemd_exporter --web.listen-address=127.0.0.1:" + exporter, scrape: time.Second},
	{name: "journalctl", about: "journalctl -f -o json into a JSON parser: it sees jobs that leave an entry",
		exec: "/bin/bash -c 'journalctl -f -n 0 -o json | /usr/local/bin/parse'", count: told("parse")},
}

// sink is the command of the server that the row needs.
func (r row) sink() string {
	if strings.Contains(r.exec, "--riemann") {
		return integration.SinkCommand
	}
	return ""
}

func (r row) unit() string { return "row-" + r.name + ".service" }

// file is the row's unit file.
func (r row) file(profile bool) string {
	kind, more := "simple", ""
	if r.notify {
		kind = "notify"
	}
	if profile {
		more = "Environment=SDWHY_DEBUG_PROFILE=" + dir + "profile\n"
	}
	return fmt.Sprintf("[Service]\nType=%s\nExecStart=%s\nEnvironment=SDWHY_DEBUG_LATENCY=%s\n%sStandardOutput=append:%s\nStandardError=append:%s\n",
		kind, r.exec, r.path("latency"), more, r.path("out"), r.path("err"))
}

// path is where the row writes, inside.
func (r row) path(what string) string { return dir + r.name + "." + what }

// sink is the server that the riemann row sends to. Its cost is nobody's.
const sinkFile = "[Service]\nExecStart=" + integration.SinkCommand + " " + sinkPort + "\nStandardOutput=append:" + dir + "sink\nStandardError=append:" + dir + "sink.err\n"

// start starts the row and waits until it follows. stop ends what it began.
func (b *bench) start(ctx context.Context, r row) (stop func() error, err error) {
	if r.exec == "" {
		return func() error { return nil }, nil
	}
	if r.setup != "" {
		if _, err := b.Run(ctx, "bash", "-c", r.setup); err != nil {
			return nil, err
		}
	}
	if _, err := b.Run(ctx, "systemctl", "start", r.unit()); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, b.said(r))
	}
	end := func() {}
	if r.scrape > 0 {
		if end, err = b.scrape(ctx, r); err != nil {
			return nil, err
		}
	}
	return func() error {
		end()
		_, err := b.Run(ctx, "systemctl", "stop", r.unit())
		return err
	}, nil
}
