package main

import (
	"errors"
	"testing"

	"sdwhy/enrich"
)

func TestGlob(t *testing.T) {
	tests := []struct {
		glob, unit string
		want       bool
	}{
		{"nginx", "nginx.service", true}, // as systemctl completes it
		{"nginx", "nginx.socket", false},
		{"nginx.socket", "nginx.socket", true},
		{"nginx*", "nginx.socket", true},
		{"*", "a.service", true},
		{"getty@tty[0-9].service", "getty@tty1.service", true},
		{"getty@tty[!0-9].service", "getty@tty1.service", false},
		{"getty@tty[^0-9].service", "getty@ttyS.service", true},
		{"a?.service", "ab.service", true},
		{"a?.service", "a.service", false},
		{`dev-disk-by\x2duuid-*`, `dev-disk-by\x2duuid-1.device`, true}, // FNM_NOESCAPE
		{`a[\]x*`, `a\x2d.service`, true},
		{"a.b*", "axb.service", false},
		{"[]a]*", "].service", true},
		{"schön*", "schön.service", true},
		{"a*", "ba.service", false},
	}
	for _, tt := range tests {
		g, err := glob(tt.glob)
		if err != nil {
			t.Errorf("glob(%q): %v", tt.glob, err)
		} else if got := g.MatchString(tt.unit); got != tt.want {
			t.Errorf("%q matches %q: %v, want %v", tt.glob, tt.unit, got, tt.want)
		}
	}
}

func TestBadFilters(t *testing.T) {
	for _, args := range [][3][]string{
		{{"servce"}, nil, nil},
		{nil, {"["}, nil},
		{nil, nil, {"a[b"}},
		{nil, {""}, nil},
		{nil, {"[z-a]"}, nil},
	} {
		_, err := newFilter(args[0], args[1], args[2])
		var usage *usageError
		if !errors.As(err, &usage) || usage.hint == "" {
			t.Errorf("newFilter(%q): %v, want a usage error with a hint", args, err)
		}
	}
}

func TestKeep(t *testing.T) {
	f, err := newFilter([]string{"service", "timer"}, []string{"a*", "b*"}, []string{"*x.service"})
	if err != nil {
		t.Fatal(err)
	}
	for unit, want := range map[string]bool{
		"a.service": true, "b.timer": true, "c.service": false, "ax.service": false, "a.mount": false, "": false,
	} {
		if got := f.keep(enrich.Event{Unit: unit}); got != want {
			t.Errorf("keep %q: %v, want %v", unit, got, want)
		}
	}
}

func FuzzGlob(f *testing.F) {
	for _, s := range []string{"a*", "[", "[]", "[!]", "[a-z]?", `\x2d`, "[[:alpha:]]", "é["} {
		f.Add(s, "a.service")
	}
	f.Fuzz(func(t *testing.T, pattern, unit string) {
		g, err := glob(pattern)
		if err != nil {
			return
		}
		g.MatchString(unit)
		if all, _ := glob("*" + pattern[:0]); !all.MatchString(unit) {
			t.Errorf("* does not match %q", unit)
		}
	})
}
