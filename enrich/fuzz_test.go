package enrich

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzCorrelator feeds whatever parses: nothing off a wire or out of a file may
// make the correlator panic, and an event always has an id, a cause and a sentence.
func FuzzCorrelator(f *testing.F) {
	paths, _ := filepath.Glob("../integration/testdata/corpus/*/*.jsonl")
	for _, path := range paths {
		if strings.HasSuffix(path, ".want.jsonl") {
			continue
		}
		if data, err := os.ReadFile(path); err == nil && len(data) < 16<<10 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := New(Options{})
		check := func(events []Event) {
			for _, e := range events {
				if e.ID == "" || e.Cause == "" || e.Description == "" || e.Severity == "" {
					t.Errorf("half an event: %+v", e)
				}
			}
		}
		for line := range bytes.Lines(data) {
			var o Observation
			if json.Unmarshal(line, &o) != nil {
				continue
			}
			check(c.Observe(o))
			if due := c.Deadline(); due != 0 && due < o.Mono {
				check(c.Due(o.Time, due))
			}
			c.Wants()
		}
		check(c.Flush())
	})
}
