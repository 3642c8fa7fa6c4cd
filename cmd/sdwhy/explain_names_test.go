package main

import "testing"

func TestPattern(t *testing.T) {
	for typed, want := range map[string]string{
		"nginx":                "nginx.service",
		"nginx.service":        "nginx.service",
		"backup.timer":         "backup.timer",
		"getty@tty1":           "getty@tty1.service",
		"getty@":               "getty@*.service",
		"getty@.service":       "getty@*.service",
		"php*":                 "php*",
		"app-[0-9].service":    "app-[0-9].service",
		"/home":                "home.mount",
		"/srv/my data":         `srv-my\x20data.mount`,
		"/dev/sda1":            "dev-sda1.device",
		`dev-a\x2db.device`:    `dev-a\x2db.device`,
		"org.example.thing":    "org.example.thing.service",
		"v1.2":                 "v1.2.service",
		"user@1000.service":    "user@1000.service",
		"systemd-networkd.soc": "systemd-networkd.soc.service",
	} {
		if got := pattern(typed); got != want {
			t.Errorf("pattern(%q) = %q, want %q", typed, got, want)
		}
	}
	for _, bad := range []string{"", "a b", "x\ny", "\x1b[31m"} {
		if nameable(bad) {
			t.Errorf("%q is taken for a name", bad)
		}
	}
}
