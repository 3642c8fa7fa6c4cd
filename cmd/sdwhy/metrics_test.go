package main

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"sdwhy/enrich"
)

// TestScrape: what Prometheus reads: help, type and value of each counter, and events by what
// alert rules ask for.
func TestScrape(t *testing.T) {
	w := &watch{calls: make(chan func())}
	m := &metrics{watch: w, events: map[[3]string]float64{}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the pipeline does not answer
	scrape := func() string {
		rec := httptest.NewRecorder()
		m.scrape(rec, httptest.NewRequestWithContext(ctx, "GET", "/metrics", nil))
		return rec.Body.String()
	}
	if got := scrape(); got != "" {
		t.Errorf("with nothing to tell: %q", got)
	}
	crash := enrich.Event{Action: "exit", Cause: enrich.CauseCrash, Severity: enrich.Warning}
	m.count("", []enrich.Event{crash, crash, {Action: "start", Cause: enrich.CauseManual, Severity: enrich.OK}})
	want := `# HELP sdwhy_events_total Events shown and sent.
# TYPE sdwhy_events_total counter
sdwhy_events_total{action="exit",cause="crash",severity="warning"} 2
sdwhy_events_total{action="start",cause="manual",severity="ok"} 1
`
	if got := scrape(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, f := range figures(counters{Signals: 3}) {
		if f.help == "" || strings.HasSuffix(f.name, "_total") != (f.kind == counter) {
			t.Errorf("%s is a %v, %q", f.name, f.kind, f.help)
		}
	}
}
