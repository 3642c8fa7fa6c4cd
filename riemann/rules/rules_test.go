// Package rules tests the alert rules for Riemann and Prometheus, which stand beside it:
// that what they key on is what sdwhy sends.
package rules

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riemann/riemann-go-client/proto"

	"sdwhy/enrich"
	"sdwhy/riemann"
)

func load(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A scenario is one of integration's, with the events that sdwhy sent of it to Riemann.
type scenario struct {
	name   string
	events []*proto.Event
}

// corpus are the events of a systemd version's recordings, as Riemann gets them.
func corpus(t *testing.T, version string) []scenario {
	t.Helper()
	files, err := filepath.Glob("../../integration/testdata/corpus/" + version + "/*.want.jsonl")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d recordings of %s: %v", len(files), version, err)
	}
	var all []scenario
	for _, file := range files {
		s := scenario{name: strings.TrimSuffix(filepath.Base(file), ".want.jsonl")}
		for line := range strings.Lines(load(t, file)) {
			var e enrich.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			s.events = append(s.events, riemann.Convert(e, riemann.Mapping{Prefix: "systemd/"}, e.Time.Time()))
		}
		all = append(all, s)
	}
	return all
}

// sent are the attributes and the tags of all recorded events.
func sent(t *testing.T) (attributes, tags map[string]bool) {
	attributes, tags = map[string]bool{}, map[string]bool{}
	for _, version := range []string{"252", "257"} {
		for _, s := range corpus(t, version) {
			for _, e := range s.events {
				for _, a := range e.Attributes {
					attributes[a.GetKey()] = true
				}
				for _, tag := range e.Tags {
					tags[tag] = true
				}
			}
		}
	}
	return attributes, tags
}

// notSent are keywords that are no attributes: Riemann's own fields, dropped of the
// heartbeat, what the rules add to an event, their memory's, and Clojure's.
var notSent = strings.Fields(`host service state description time tags ttl metric dropped
	rule dedup-key summary source severity component class custom_details
	heard from passed paged waiting blames silent left off
	page tell resolve require refer all as keys else`)

func TestAttributes(t *testing.T) {
	known, _ := sent(t)
	code := regexp.MustCompile(`(?m);.*$`).ReplaceAllString(load(t, "sdwhy.clj"), "")
	found := 0
	for _, m := range regexp.MustCompile(`[\s(\[{]:([a-z][a-z_-]*)`).FindAllStringSubmatch(code, -1) {
		found++
		if !known[m[1]] && !slices.Contains(notSent, m[1]) {
			t.Errorf("the rules use :%s, which no event has", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`{:keys \[([^\]]*)\]`).FindAllStringSubmatch(code, -1) {
		for name := range strings.FieldsSeq(m[1]) {
			found++
			if !known[name] && !slices.Contains(notSent, name) {
				t.Errorf("the rules take %s of an event, which has none", name)
			}
		}
	}
	if found < 200 {
		t.Errorf("only %d keywords were found in the rules", found)
	}
}

func TestTags(t *testing.T) {
	_, known := sent(t)
	for _, tag := range []string{"replayed", "sdwhy", "heartbeat", "cause:unknown"} {
		known[tag] = true // of a restart of sdwhy's, or its heartbeat: not recorded
	}
	found := 0
	for _, name := range []string{"sdwhy.clj", "sdwhy.dash.json"} {
		text := strings.ReplaceAll(load(t, name), `\"`, `"`)
		for _, m := range regexp.MustCompile(`"((?:action|cause|result|failure|root):[a-z-]+)"|tagged "([a-z:-]+)"|\(tag\? "([a-z:-]+)"`).FindAllStringSubmatch(text, -1) {
			found++
			if tag := m[1] + m[2] + m[3]; !known[tag] {
				t.Errorf("%s: no event is tagged %s", name, tag)
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d tags were found", found)
	}
}

// TestRules runs the rules' own tests, then the rules over what integration recorded, with
// Debian's Clojure and stand-ins for the little of Riemann that they use.
func TestRules(t *testing.T) {
	if _, err := exec.LookPath("clojure"); err != nil {
		t.Skip("clojure is not installed; integration/test installs it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "clojure", "-cp", "testdata", "testdata/run.clj")
	cmd.Stdin = strings.NewReader(edn(corpus(t, "257")))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	_, got, _ := strings.Cut(string(out), "---\n")
	const golden = "testdata/alerts.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(load(t, golden), got); diff != "" {
		t.Errorf("who is given what (-want +got):\n%s", diff)
	}
}

var update = flag.Bool("update", false, "write testdata/alerts.golden")

// edn writes the events as Riemann shows them: attributes are keys of the event.
func edn(all []scenario) string {
	var b strings.Builder
	quote := func(s string) string { // what JSON escapes, Clojure reads
		q, _ := json.Marshal(s)
		return string(q)
	}
	b.WriteString("[")
	for _, s := range all {
		fmt.Fprintf(&b, "[%s [", quote(s.name))
		for _, e := range s.events {
			fmt.Fprintf(&b, "{:host %s :service %s :state %s :time %f :ttl %f :description %s :tags [", quote(e.GetHost()),
				quote(e.GetService()), quote(e.GetState()), float64(e.GetTimeMicros())/1e6, e.GetTtl(), quote(e.GetDescription()))
			for _, tag := range e.Tags {
				b.WriteString(quote(tag) + " ")
			}
			b.WriteString("]")
			for _, a := range e.Attributes {
				fmt.Fprintf(&b, " :%s %s", a.GetKey(), quote(a.GetValue()))
			}
			b.WriteString("}\n")
		}
		b.WriteString("]]\n")
	}
	return b.String() + "]"
}

// TestBalanced finds a parenthesis that is missing or too many, at the definition where it is.
func TestBalanced(t *testing.T) {
	closing := map[rune]rune{')': '(', ']': '[', '}': '{'}
	var open []rune
	inString, inComment, escaped := false, false, false
	line, atStart := 1, true
	for _, r := range load(t, "sdwhy.clj") {
		switch {
		case r == '\n':
			line, inComment = line+1, false
		case escaped:
			escaped = false
		case inComment:
		case r == '\\':
			escaped = true
		case r == '"':
			inString = !inString
		case inString:
		case r == ';':
			inComment = true
		case strings.ContainsRune("([{", r):
			if atStart && len(open) > 0 {
				t.Fatalf("line %d: the form before is not closed", line)
			}
			open = append(open, r)
		case closing[r] != 0:
			if len(open) == 0 || open[len(open)-1] != closing[r] {
				t.Fatalf("line %d: %c closes nothing", line, r)
			}
			open = open[:len(open)-1]
		}
		atStart = r == '\n'
	}
	if len(open) > 0 || inString {
		t.Error("the last form is not closed")
	}
}

func TestDashboard(t *testing.T) {
	var dashboard struct {
		Workspaces []struct{ View map[string]any }
	}
	if err := json.Unmarshal([]byte(load(t, "sdwhy.dash.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	if len(dashboard.Workspaces) != 2 {
		t.Errorf("%d workspaces, want 2", len(dashboard.Workspaces))
	}
}

// TestMetrics holds the rules for Prometheus against the names in cmd/sdwhy.
func TestMetrics(t *testing.T) {
	source := load(t, "../../cmd/sdwhy/metrics.go")
	names := regexp.MustCompile(`\bsdwhy_([a-z_]+)`).FindAllStringSubmatch(load(t, "sdwhy.prometheus.yml"), -1)
	if len(names) < 7 {
		t.Errorf("only %d metrics were found", len(names))
	}
	for _, m := range names {
		if !strings.Contains(source, `"`+m[1]+`"`) && !strings.Contains(source, `"`+m[0]+`"`) {
			t.Errorf("no metric is called %s", m[0])
		}
	}
}
