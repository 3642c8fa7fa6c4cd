package enrich

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime"
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

func recording(b *testing.B, path string) (rec []Observation) {
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
