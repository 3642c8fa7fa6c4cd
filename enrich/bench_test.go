package enrich

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// BenchmarkCorrelator replays recordings of real systemd: events a second, and what an event costs.
func BenchmarkCorrelator(b *testing.B) {
	for _, name := range []string{"manual-restart", "crash-restart", "timer-again", "partof-crash", "crash-loop"} {
		b.Run(name, func(b *testing.B) {
			rec := recording(b, "../integration/testdata/corpus/257/"+name+".jsonl")
			var before, after runtime.MemStats
			events := 0
			runtime.ReadMemStats(&before)
			for b.Loop() {
				c := New(Options{})
				for _, o := range rec {
					events += len(c.Observe(o))
				}
				events += len(c.Flush())
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(events), "allocs/event")
		})
	}
}

func recording(b testing.TB, path string) (rec []Observation) {
	b.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var o Observation
		if err := json.Unmarshal(line, &o); err != nil {
			b.Fatal(err)
		}
		rec = append(rec, o)
	}
	return rec
}

// BenchmarkStorm starts n units by one command line that names them all; their configurations are
// read one by one, behind the jobs. What an event costs must not grow with n.
func BenchmarkStorm(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			events := 0
			for b.Loop() {
				t := tell()
				t.storm(n)
				events += len(t.out)
			}
			if events != n*b.N {
				b.Fatalf("%d events, want %d", events, n*b.N)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
		})
	}
}

func (t *teller) storm(n int) {
	client := Client{PID: 7, Comm: "systemctl", Cmdline: "systemctl start …", Unit: "session-1.scope", Via: []string{"bash"}, Verb: "start"}
	var jobs []uint32
	for i := range n {
		client.Units = append(client.Units, fmt.Sprintf("storm@%d.service", i))
		jobs = append(jobs, uint32(i+1))
	}
	var asked []string
	say := func(o Observation) {
		t.say(o)
		t.mono -= 995 // a storm is quick
		asked = append(asked, t.c.Wants().Configs...)
	}
	for i, unit := range client.Units {
		say(Observation{Kind: KindJobNew, Unit: unit, Job: Job{ID: jobs[i]}})
	}
	say(Observation{Kind: KindClients, Jobs: jobs, Clients: []Client{client}})
	for i, unit := range client.Units {
		state := State{Active: "inactive", Sub: "dead", Job: jobs[i], Invocation: "run"}
		say(Observation{Kind: KindUnit, Unit: unit, State: state})
		state.Job = 0
		say(Observation{Kind: KindUnit, Unit: unit, State: state})
		say(Observation{Kind: KindJobRemoved, Unit: unit, Job: Job{ID: jobs[i], Result: "done"}})
	}
	for i, unit := range client.Units {
		say(Observation{Kind: KindEntry, Entry: Entry{Source: SourceManager, Time: boot + t.mono, Unit: unit, Job: jobs[i], JobType: "start", JobResult: "done",
			MessageID: MsgStarted, Invocation: "run", Message: "Finished."}})
	}
	for len(asked) > 0 {
		unit := asked[0]
		asked = asked[1:]
		say(Observation{Kind: KindConfig, Unit: unit, Config: Config{Names: []string{unit}, Type: "oneshot"}})
	}
	t.wait(1_000_000)
}
