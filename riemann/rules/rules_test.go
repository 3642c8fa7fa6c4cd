// Package rules tests the alert rules for Riemann and Prometheus, which stand beside it:
// that what they key on is what sdwhy sends.
package rules

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sdwhy/enrich"
)

func load(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// attributes are the names that riemann flattens an event's fields to.
func attributes(t reflect.Type, prefix string) []string {
	var names []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			names = append(names, attributes(inner, prefix+name+"_")...)
		} else {
			names = append(names, prefix+name)
		}
	}
	return names
}

// fields are Riemann's own; rule is what the rules add, dropped a counter of the heartbeat.
var fields = []string{"host", "service", "state", "description", "time", "tags", "ttl", "metric", "rule", "dropped"}

// keywords are Clojure's, an option's and the rules' own: no keys of events.
var keywords = []string{
	"require", "refer", "all", "as", "else", "keys", "init", "page", "tell", "trigger", "service-key",
	"crash-loop", "start-failed", "crash-down", "failed", "healed", "unclean",
}

func TestAttributes(t *testing.T) {
	known := slices.Concat(attributes(reflect.TypeFor[enrich.Event](), ""), fields, keywords)
	found := 0
	for _, m := range regexp.MustCompile(`[\s(\[{]:([a-z][a-z_-]*)`).FindAllStringSubmatch(load(t, "sdwhy.clj"), -1) {
		found++
		if !slices.Contains(known, m[1]) {
			t.Errorf("the rules use :%s, which no event has", m[1])
		}
	}
	if found < 50 {
		t.Errorf("only %d keywords were found in the rules", found)
	}
}

// tagValues are what can stand behind the colon of a tag. DESIGN.md names them.
var tagValues = map[string][]string{
	"action": {
		enrich.ActionStart, enrich.ActionStop, enrich.ActionRestart, enrich.ActionReload,
		enrich.ActionVerify, enrich.ActionNop, enrich.ActionExit, enrich.ActionReset,
	},
	"cause": causes,
	"root":  causes,
	"result": strings.Fields("done canceled timeout failed dependency skipped invalid assert unsupported " +
		"collected once frozen concurrency"),
	"failure": strings.Fields("exit-code signal core-dump watchdog oom-kill timeout start-limit-hit protocol resources exec-condition"),
}

var causes = []string{
	string(enrich.CauseCrash), string(enrich.CauseCleanExit), string(enrich.CauseManual), string(enrich.CauseAutomation),
	string(enrich.CausePackage), string(enrich.CauseDependency), string(enrich.CauseBoot), string(enrich.CauseShutdown),
	string(enrich.CauseUnknown), string(enrich.CauseTimer), string(enrich.CauseOnFailure),
}

var plainTags = []string{"systemd", "auto-restart", "crash-loop", "no-job", "replayed", "sdwhy", "heartbeat"}

func TestTags(t *testing.T) {
	found := 0
	for _, name := range []string{"sdwhy.clj", "sdwhy.dash.json"} {
		text := strings.ReplaceAll(load(t, name), `\"`, `"`)
		for _, m := range regexp.MustCompile(`"(action|cause|result|failure|root):([a-z-]+)"`).FindAllStringSubmatch(text, -1) {
			found++
			if !slices.Contains(tagValues[m[1]], m[2]) {
				t.Errorf("%s: no event is tagged %s:%s", name, m[1], m[2])
			}
		}
		for _, m := range regexp.MustCompile(`tagged "([a-z-]+)"`).FindAllStringSubmatch(text, -1) {
			found++
			if !slices.Contains(plainTags, m[1]) {
				t.Errorf("%s: no event is tagged %s", name, m[1])
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d tags were found", found)
	}
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
