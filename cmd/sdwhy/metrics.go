package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"sdwhy/enrich"
)

// metrics serve the counters to Prometheus, and events counted by what alert rules
// ask for. Units are no label: their number has no bound.
//
// Prometheus' own library for the format is all that is needed. Its client library would
// keep counters that are kept already, and takes longer to start than all else in explain.
type metrics struct {
	watch    *watch
	listener net.Listener
	server   *http.Server
	scraping sync.Mutex // one scrape at a time

	mu     sync.Mutex
	events map[[3]string]float64 // by action, cause and severity
}

// newMetrics gives the function that serves on address, which is bound at once so
// that a mistake shows; with no address it serves nothing.
func newMetrics(address string, w *watch) (func(context.Context) error, error) {
	if address == "" {
		return func(context.Context) error { return nil }, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, usagef("write --metrics localhost:9757, with a port that is free", "cannot serve metrics: %v", err)
	}
	m := &metrics{watch: w, listener: listener, events: map[[3]string]float64{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", m.scrape)
	m.server = &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	w.pipeline.sinks = append(w.pipeline.sinks, m.count)
	return m.serve, nil
}

func (m *metrics) serve(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { m.server.Close() })()
	if err := m.server.Serve(m.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}

func (m *metrics) count(_ string, events []enrich.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range events {
		m.events[[3]string{e.Action, string(e.Cause), string(e.Severity)}]++
	}
}

// scrapeTimeout bounds how long a scrape waits for the pipeline.
const scrapeTimeout = 5 * time.Second

// scrape answers in the format that was asked for (Prometheus exposition formats).
func (m *metrics) scrape(rw http.ResponseWriter, r *http.Request) {
	m.scraping.Lock()
	defer m.scraping.Unlock()
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultAcceptedFormats()...)
	rw.Header().Set("Content-Type", string(format))
	encoder := expfmt.NewEncoder(rw, format)
	for _, f := range append(m.figures(r.Context()), m.counted()) {
		if len(f.Metric) == 0 { // no event yet
			continue
		}
		if err := encoder.Encode(f); err != nil {
			return // whoever asked is gone
		}
	}
}

// figures are the pipeline's counters; none when it does not answer in time: then sdwhy is in
// trouble.
func (m *metrics) figures(ctx context.Context) (families []*dto.MetricFamily) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	answer := make(chan counters, 1)
	if !m.watch.call(ctx, func() { answer <- m.watch.counters() }) {
		return nil
	}
	for _, f := range figures(<-answer) {
		families = append(families, family(f.name, f.help, f.kind, sample(f.kind, f.value)))
	}
	return families
}

// counted are the events so far.
func (m *metrics) counted() *dto.MetricFamily {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := family("events_total", "Events shown and sent.", counter)
	keys := slices.SortedFunc(maps.Keys(m.events), func(a, b [3]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]), cmp.Compare(a[2], b[2]))
	})
	for _, k := range keys {
		f.Metric = append(f.Metric, sample(counter, m.events[k], "action", k[0], "cause", k[1], "severity", k[2]))
	}
	return f
}

const counter, gauge = dto.MetricType_COUNTER, dto.MetricType_GAUGE

func family(name, help string, kind dto.MetricType, samples ...*dto.Metric) *dto.MetricFamily {
	name = "sdwhy_" + name
	return &dto.MetricFamily{Name: &name, Help: &help, Type: &kind, Metric: samples}
}

// sample is a value with its labels, name after name and value.
func sample(kind dto.MetricType, value float64, labels ...string) *dto.Metric {
	m := &dto.Metric{}
	if kind == counter {
		m.Counter = &dto.Counter{Value: &value}
	} else {
		m.Gauge = &dto.Gauge{Value: &value}
	}
	for pair := range slices.Chunk(labels, 2) {
		m.Label = append(m.Label, &dto.LabelPair{Name: &pair[0], Value: &pair[1]})
	}
	return m
}

type figure struct {
	name, help string
	kind       dto.MetricType
	value      float64
}

func figures(c counters) []figure {
	return []figure{
		{"signals_total", "Signals of systemd's that arrived.", counter, float64(c.Signals)},
		{"signals_lost_total", "Signals lost for want of room.", counter, float64(c.Lost)},
		{"journal_entries_total", "Journal entries read.", counter, float64(c.Entries)},
		{"decided_total", "Events decided, before filters.", counter, float64(c.Events)},
		{"unknown_total", "Events decided whose cause is unknown.", counter, float64(c.Unknown)},
		{"gaps_total", "Times a witness said that something is missing.", counter, float64(c.Gaps)},
		{"acknowledged_total", "Events acknowledged by Riemann.", counter, float64(c.Acked)},
		{"dropped_total", "Events given up.", counter, float64(c.Dropped)},
		{"open_jobs", "Jobs without an event yet.", gauge, float64(c.Open)},
		{"queue", "Events not acknowledged yet.", gauge, float64(c.Queue)},
		{"proc_scans_total", "Scans of /proc for who asked.", counter, float64(c.Scans)},
		{"proc_scan_seconds_total", "CPU time of these scans.", counter, c.Scan.Seconds()},
		{"journal_lag_seconds", "From the newest journal entry's writing to its arrival.", gauge, c.Lag.Seconds()},
	}
}
