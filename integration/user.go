package integration

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"
)

// alice is the user whose manager is watched: the first that useradd makes.
const (
	alice       = "alice"
	aliceUID    = "1000"
	aliceRecord = "/home/alice/rec.jsonl"
)

// userPrelude is what a user's script begins with, after prelude: its systemctl is that
// of its own manager.
const userPrelude = `systemctl() { command systemctl --user "$@"; }
logged() { journalctl -q --since "@$SCENARIO_SINCE" _SYSTEMD_UNIT=user@$UID.service -o cat | grep -qF -- "$*"; }
`

// userFiles replace what Create installs: sdwhy runs as alice, outside of her manager, so
// that it sees that one begin and end; she logs in by a unit of her own, of which PAM makes a
// session.
var userFiles = map[string][]byte{
	"/etc/systemd/system/sdwhy-test.service": []byte(`[Unit]
Description=sdwhy under test
StartLimitIntervalSec=0
[Service]
User=` + alice + `
Environment=XDG_RUNTIME_DIR=/run/user/` + aliceUID + `
ExecStart=/usr/local/bin/sdwhy watch --user --output json --type all --record ` + aliceRecord + `
Restart=on-failure
RestartSec=50ms
StandardOutput=append:` + eventsPath + `
StandardError=append:` + stderrPath + `
`),
	"/etc/systemd/system/alice.service": []byte(`[Service]
User=` + alice + `
PAMName=login
ExecStart=/bin/sleep infinity
`),
	"/etc/systemd/system/multi-user.target.d/sdwhy.conf": []byte("[Unit]\n"),
	"/etc/systemd/user/sdwhy-probe.service":              []byte(probeUnit),
}

// OfUser gives the scenarios that a user's manager plays, as it plays them.
func OfUser(all []*Scenario) []*Scenario {
	var mine []*Scenario
	for _, s := range all {
		u := *s
		u.user, u.Files = true, map[string][]byte{}
		if u.Headers["user"] == "" || !u.Contained() {
			continue
		}
		for path, data := range s.Files {
			u.Files[strings.Replace(path, "/etc/systemd/system/", "/etc/systemd/user/", 1)] = data
		}
		u.wants = map[string]string{}
		for name, text := range s.wants {
			u.wants[name] = strings.ReplaceAll(text, `"cmdline":"systemctl `, `"cmdline":"systemctl --user `)
		}
		mine = append(mine, &u)
	}
	return mine
}

// script is where the scenario's script lies in a container.
func (s *Scenario) script() string {
	if s.user {
		return "/opt/play/" + s.Name
	}
	return "/root/play/" + s.Name
}

func (s *Scenario) prelude() string {
	if s.user {
		return prelude + userPrelude
	}
	return prelude
}

// CreateUser boots a suite with files, in which sdwhy watches the manager of alice, who
// has logged in. The World must be closed even if there is an error, when it is not nil.
func CreateUser(ctx context.Context, suite Suite, bin string, files map[string][]byte) (*World, error) {
	base, err := Rootfs(ctx, suite)
	if err != nil {
		return nil, err
	}
	c, err := Prepare(fmt.Sprintf("sdwhyuser%d", suite.Version))
	if err != nil {
		return nil, err
	}
	w := &World{Container: c, Events: NewTail(c.Path(eventsPath)), recording: aliceRecord}
	all := maps.Clone(userFiles)
	maps.Copy(all, files)
	if err := w.install(bin, all, ""); err != nil {
		return w, err
	}
	if err := c.Boot(ctx, base); err != nil {
		return w, err
	}
	if err := w.loginAlice(ctx); err != nil {
		return w, err
	}
	return w, w.follow(ctx)
}

// loginAlice makes alice and logs her in, with sdwhy there before her manager.
func (w *World) loginAlice(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	const script = `useradd -m -s /bin/bash ` + alice + `
		systemctl start sdwhy-test.service alice.service
		for i in $(seq 200); do
			for d in /sys/fs/cgroup/user.slice/user-` + aliceUID + `.slice/session-*.scope; do
				[ -d "$d" ] && echo "$d" && exit
			done
			sleep 0.05
		done
		exit 1`
	session, err := w.Run(ctx, "bash", "-euc", script)
	if err != nil {
		return fmt.Errorf("failed to log alice in: %w", err)
	}
	w.player = []string{"sh", "-c", `echo $$ >"$0/cgroup.procs"; exec "$@"`, strings.TrimSpace(session),
		"setpriv", "--reuid=" + aliceUID, "--regid=" + aliceUID, "--init-groups",
		"env", "HOME=/home/" + alice, "USER=" + alice, "XDG_RUNTIME_DIR=/run/user/" + aliceUID}
	return nil
}

// StopUser stops alice's manager, as the end of her last session would.
func (w *World) StopUser(ctx context.Context) error {
	_, err := w.Run(ctx, "systemctl", "stop", "user@"+aliceUID+".service")
	return err
}

// newest gives all events, and the manager that the newest is of.
func (w *World) newest() (manager string, events []map[string]any, err error) {
	events, err = ParseEvents(w.Output())
	if err == nil && len(events) > 0 {
		manager, _ = events[len(events)-1]["manager"].(string)
	}
	return manager, events, err
}
