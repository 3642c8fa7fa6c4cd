package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

var rewrite = flag.Bool("rewrite", false, "rewrite testdata/*.golden; read the difference before you commit it")

// examples are one event of each look.
func examples() []enrich.Event {
	at := enrich.Stamp(time.Date(2026, 11, 23, 3, 7, 9, 0, time.UTC).UnixMicro())
	event := func(s enrich.Severity, unit, action, cause, result, failure, says string) enrich.Event {
		at += 1e6
		return enrich.Event{
			ID: "b/system/job/1", Time: at, Unit: unit, Action: action, Cause: enrich.Cause(cause),
			Result: result, Failure: failure, Severity: s, Tags: []string{"systemd"}, Description: unit + " " + says,
		}
	}
	long := "a-service-with-a-name-that-is-longer-than-the-column-may-grow.service"
	return []enrich.Event{
		event(enrich.OK, "nginx.service", "start", "boot", "done", "", "started at boot"),
		event(enrich.Warning, "nginx.service", "exit", "crash", "failed", "core-dump", "crashed after 3d: killed by SIGSEGV; systemd will restart it"),
		event(enrich.Critical, "db.service", "restart", "crash", "failed", "start-limit-hit", "was refused by the start limit; it stays down"),
		event(enrich.Warning, "db.service", "stop", "manual", "done", "timeout", "stopped, but had to be killed"),
		event(enrich.OK, "getty@tty1.service", "start", "dependency", "skipped", "", "was skipped: a condition was not met"),
		event(enrich.OK, `dev-disk-by\x2duuid-ünïcode.device`, "start", "device", "done", "", "appeared"),
		event(enrich.OK, long, "start", "clean-exit", "done", "", "started"),
		event(enrich.Critical, "evil\x1b[2J\u202e.service", "start", "unknown", "", "", "said \x07\u009b31m\xff\nfake line"),
		event("", "odd.service", "nop", "unknown", "odd", "", ""),
	}
}

func TestTextGolden(t *testing.T) {
	styles := map[string]textStyle{
		"pipe":     {},
		"ascii":    {ascii: true},
		"terminal": {theme: colours(), width: func() int { return 100 }},
		"narrow":   {theme: colours(), width: func() int { return 20 }},
	}
	for name, style := range styles {
		t.Run(name, func(t *testing.T) {
			style.zone = time.UTC
			var got strings.Builder
			for _, e := range examples() {
				got.WriteString(style.line(e))
			}
			golden(t, "testdata/"+name+".golden", got.String())
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestTextFits: on a terminal an event is one line, however narrow, and nothing moves the cursor.
func TestTextFits(t *testing.T) {
	style := textStyle{width: func() int { return 110 }, zone: time.UTC}
	for _, e := range examples() {
		e.Description += strings.Repeat(" and more", 30)
		line := style.line(e)
		if strings.Count(line, "\n") != 1 || strings.ContainsAny(line, "\x1b\x07\u009b\u202e") {
			t.Errorf("not one safe line: %q", line)
		}
		if n := utf8.RuneCountInString(line) - 1; n > 110 && utf8.RuneCountInString(e.Unit) <= maxUnitWidth {
			t.Errorf("%d columns of 110: %q", n, line)
		}
	}
}

func TestJSONLineIsSafeAndTrue(t *testing.T) {
	for _, e := range examples() {
		line, err := jsonLine(e)
		if err != nil {
			t.Fatal(err)
		}
		if body := bytes.TrimSuffix(line, []byte("\n")); bytes.IndexFunc(body, unprintable) >= 0 {
			t.Errorf("not printable: %q", line)
		}
		var got enrich.Event
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		e.Description = strings.ToValidUTF8(e.Description, "\ufffd")
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("JSON changes the event (-want +got):\n%s", diff)
		}
	}
}

func TestEscapeJSONBeyondTheFirstPlane(t *testing.T) {
	const tag = "a\U000e0001z" // a language tag: format, not printable
	line, err := jsonLine(enrich.Event{Description: tag})
	if err != nil {
		t.Fatal(err)
	}
	var got enrich.Event
	if err := json.Unmarshal(line, &got); err != nil || got.Description != tag {
		t.Errorf("%s: %q, %v", line, got.Description, err)
	}
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[2J", "\xff", "\u009b", "ünï", "\U000e0001", "a\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := sanitize(s)
		if !utf8.ValidString(got) || strings.IndexFunc(got, unprintable) >= 0 {
			t.Errorf("sanitize(%q) = %q", s, got)
		}
		if again := sanitize(got); again != got {
			t.Errorf("sanitize twice: %q, then %q", got, again)
		}
	})
}

func TestStyleForAPipe(t *testing.T) {
	style := styleFor(new(bytes.Buffer), func(string) string { return "" })
	if style.theme != nil || style.width != nil || style.ascii {
		t.Errorf("a pipe has colours, a width or plain marks: %+v", style)
	}
}

func TestUTF8Locale(t *testing.T) {
	tests := []struct {
		env  map[string]string
		want bool
	}{
		{nil, true},
		{map[string]string{"LANG": "C.UTF-8"}, true},
		{map[string]string{"LANG": "de_DE.utf8"}, true},
		{map[string]string{"LANG": "C"}, false},
		{map[string]string{"LANG": "C.UTF-8", "LC_ALL": "POSIX"}, false},
	}
	for _, tt := range tests {
		if got := utf8Locale(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.env, got, tt.want)
		}
	}
}
