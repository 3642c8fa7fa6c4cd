package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sdwhy/enrich"
)

// metrics serve the counters to Prometheus, and events counted by what alert rules
// ask for. Units are no label: their number has no bound.
type metrics struct {
	listener net.Listener
	events   *prometheus.CounterVec
	server   *http.Server
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
	m := &metrics{listener: listener, events: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sdwhy_events_total", Help: "Events shown and sent.",
	}, []string{"action", "cause", "severity"})}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.events, &collector{w})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
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
	for _, e := range events {
		m.events.WithLabelValues(e.Action, string(e.Cause), string(e.Severity)).Inc()
	}
}

// scrapeTimeout bounds how long a scrape waits for the pipeline.
const scrapeTimeout = 5 * time.Second

// A collector asks the pipeline for its counters at each scrape.
type collector struct{ w *watch }

// Describe describes nothing: what is collected says it itself.
func (*collector) Describe(chan<- *prometheus.Desc) {}

// Collect gives nothing when the pipeline does not answer in time: then sdwhy is in trouble.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	answer := make(chan counters, 1)
	if !c.w.call(ctx, func() { answer <- c.w.counters() }) {
		return
	}
	for _, f := range figures(<-answer) {
		desc := prometheus.NewDesc("sdwhy_"+f.name, f.help, nil, nil)
		out <- prometheus.MustNewConstMetric(desc, f.kind, f.value)
	}
}

type figure struct {
	name, help string
	kind       prometheus.ValueType
	value      float64
}

func figures(c counters) []figure {
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
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
