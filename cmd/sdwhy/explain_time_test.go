package main

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	now := time.Date(2026, 11, 23, 3, 4, 5, 678_000_000, zone) // a Monday
	for text, want := range map[string]string{
		"now":                         "2026-11-23T03:04:05.678+01:00",
		"today":                       "2026-11-23T00:00:00+01:00",
		"Yesterday":                   "2026-11-22T00:00:00+01:00",
		"tomorrow":                    "2026-11-24T00:00:00+01:00",
		"-2h":                         "2026-11-23T01:04:05.678+01:00",
		"-1h 30min":                   "2026-11-23T01:34:05.678+01:00",
		"-1h30min":                    "2026-11-23T01:34:05.678+01:00",
		"-90":                         "2026-11-23T03:02:35.678+01:00",
		"-1.5d":                       "2026-11-21T15:04:05.678+01:00",
		"+5min":                       "2026-11-23T03:09:05.678+01:00",
		"2 hours ago":                 "2026-11-23T01:04:05.678+01:00",
		"3 weeks ago":                 "2026-11-02T03:04:05.678+01:00",
		"1 day left":                  "2026-11-24T03:04:05.678+01:00",
		"@1795312800":                 "2026-11-22T03:00:00+01:00",
		"@1795312800.25":              "2026-11-22T03:00:00.25+01:00",
		"02:14":                       "2026-11-23T02:14:00+01:00",
		"02:14:05":                    "2026-11-23T02:14:05+01:00",
		"02:14:05.5":                  "2026-11-23T02:14:05.5+01:00",
		"2026-11-22":                  "2026-11-22T00:00:00+01:00",
		"26-11-22":                    "2026-11-22T00:00:00+01:00",
		"2026-11-22 02:00":            "2026-11-22T02:00:00+01:00",
		"2026-11-22 02:00:03":         "2026-11-22T02:00:03+01:00",
		"Sun 2026-11-22 02:00":        "2026-11-22T02:00:00+01:00",
		"2026-11-22 02:00:03.25":      "2026-11-22T02:00:03.25+01:00",
		"2026-11-22 02:00 UTC":        "2026-11-22T02:00:00Z",
		"2026-11-22 02:00 Asia/Tokyo": "2026-11-22T02:00:00+09:00",
		"2026-11-22T02:00:03Z":        "2026-11-22T02:00:03Z",
		"2026-11-22T02:00:03+02:00":   "2026-11-22T02:00:03+02:00",
		" 2026-11-22 ":                "2026-11-22T00:00:00+01:00",
	} {
		want, err := time.Parse(time.RFC3339Nano, want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("parseTime(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "soon", "-", "-2x", "--2h", "@", "@-1", "@x", "25:00", "2026-13-01", "2026-11-22 99:00",
		"Mon 2026-11-22", "-99999999999h", "2026-11-22 02:00 Nowhere/Land", "-1e3"} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("parseTime(%q) = %v, want an error", text, got)
		}
	}
}

// FuzzParseTime: whatever is typed gives a time or an error.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"-1h 30min", "@1.5", "Sun 2026-11-22 02:00 UTC", "µs ago"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := parseTime(s, time.Unix(1795312800, 0)); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
