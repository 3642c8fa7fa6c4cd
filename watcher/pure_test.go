package watcher

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestUnitOf(t *testing.T) {
	tests := []struct{ path, want string }{
		{unitPath + "nginx_2eservice", "nginx.service"},
		{unitPath + "getty_40tty1_2eservice", "getty@tty1.service"},
		{unitPath + "_31_2eservice", "1.service"},
		{unitPath + "dev_2ddisk_2dby_5cx2duuid_2eswap", `dev-disk-by\x2duuid.swap`},
		{unitPath + "_5f_2dx_2emount", "_-x.mount"},
		{unitPath + "a_zzb_2", "a_zzb_2"},
		{unitPath + "_", ""},
		{unitPath, ""},
		{"/org/freedesktop/systemd1/job/1", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := unitOf(tt.path); got != tt.want {
			t.Errorf("unitOf(%q) = %q, want %q", tt.path, got, tt.want)
		}
	}
}

func FuzzLabel(f *testing.F) {
	for _, s := range []string{"", "_", "nginx.service", "1", "a_2e", "\x00\xff", "über.mount"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := unescapeLabel(escapeLabel(s)); got != s {
			t.Errorf("%q came back as %q", s, got)
		}
		unescapeLabel(s)
	})
}

func TestMangle(t *testing.T) {
	tests := []struct{ name, want string }{
		{"nginx", "nginx.service"},
		{"nginx.service", "nginx.service"},
		{"foo.bar", "foo.bar.service"},
		{"getty@tty1", "getty@tty1.service"},
		{"php*", "php*"},
		{"a[bc]?.timer", "a[bc]?.timer"},
		{"/dev/sda1", "dev-sda1.device"},
		{"/sys/devices/x", "sys-devices-x.device"},
		{"/home/my-data", `home-my\x2ddata.mount`},
		{"/", "-.mount"},
		{"//home//", "home.mount"},
		{"a b", `a\x20b.service`},
		{"a/b", "a-b.service"},
		{"ä", `\xc3\xa4.service`},
		{"@x", "@x.service"},
		{"", ""},
		{strings.Repeat("x", 300), ""},
	}
	for _, tt := range tests {
		if got := mangle(tt.name, ".service"); got != tt.want {
			t.Errorf("mangle(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCgroup(t *testing.T) {
	tests := []struct{ name, file, path, unit string }{
		{"v2", "0::/system.slice/cron.service\n", "/system.slice/cron.service", "cron.service"},
		{"hybrid", "1:name=systemd:/user.slice/user-0.slice/session-3.scope\n0::/user.slice/user-0.slice/session-3.scope\n", "/user.slice/user-0.slice/session-3.scope", "session-3.scope"},
		{"legacy", "1:name=systemd:/system.slice/a.service\n0::/\n", "/system.slice/a.service", "a.service"},
		{"v2 container on a legacy host", "1:name=systemd:/\n0::/system.slice/a.service\n", "/system.slice/a.service", "a.service"},
		{"user manager's", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n",
			"/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", "x.service"},
		{"user manager", "0::/user.slice/user-1000.slice/user@1000.service/init.scope\n",
			"/user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope"},
		{"delegated", "0::/system.slice/ci.service/job/3\n", "/system.slice/ci.service/job/3", "ci.service"},
		{"outside of our root", "0::/../../system.slice/a.service\n", "/../../system.slice/a.service", "a.service"},
		{"escaped", "0::/system.slice/_cpu.service\n", "/system.slice/_cpu.service", "cpu.service"},
		{"slice only", "0::/user.slice\n", "/user.slice", ""},
		{"v1 colon in path", "3:cpu:/x\n1:name=systemd:/system.slice/a:b.service\n", "/system.slice/a:b.service", "a:b.service"},
		{"nothing", "", "", ""},
		{"garbage", "x\ny:z\n", "", ""},
	}
	for _, tt := range tests {
		path := cgroupPath([]byte(tt.file))
		if path != tt.path || cgroupUnit(path) != tt.unit {
			t.Errorf("%s: %q, %q", tt.name, path, cgroupUnit(path))
		}
	}
}

func TestMask(t *testing.T) {
	tests := []struct{ args, want string }{
		{"systemctl restart nginx", "systemctl restart nginx"},
		{"x --password=hunter2 y", "x --password=*** y"},
		{"x --token hunter2 y", "x --token *** y"},
		{"x --token --quiet y", "x --token --quiet y"},
		{"x password hunter2", "x password ***"},
		{"/usr/bin/mysql -phunter2", "/usr/bin/mysql -p***"},
		{"systemd-run sshpass -p hunter2 ssh a", "systemd-run sshpass -p *** ssh a"},
		{"systemctl -p Id show a", "systemctl -p Id show a"},
		{"curl -u bob:hunter2 x", "curl -u bob:*** x"},
		{"systemctl --user restart a:b.service", "systemctl --user restart a:b.service"},
		{"DB_SECRET=hunter2 x", "DB_SECRET=*** x"},
		{"x --setenv=API_KEY=hunter2", "x --setenv=API_KEY=***"},
		{"x -E AWS_SECRET_ACCESS_KEY=a=b", "x -E AWS_SECRET_ACCESS_KEY=***"},
		{"curl https://bob:hunter2@example.org/x?y", "curl https://bob:***@example.org/x?y"},
		{"x --url=https://bob:hunter2@h:80/p", "x --url=https://bob:***@h:80/p"},
		{"curl https://example.org:80/a@b", "curl https://example.org:80/a@b"},
		{"systemctl restart systemd-ask-password-console.service", "systemctl restart systemd-ask-password-console.service"},
		{"systemctl start keys.service", "systemctl start keys.service"},
		{"x Authorization: Bearer hunter2 y", "x Authorization: *** *** y"},
	}
	for _, tt := range tests {
		if got := strings.Join(mask(strings.Split(tt.args, " ")), " "); got != tt.want {
			t.Errorf("mask(%q) = %q, want %q", tt.args, got, tt.want)
		}
	}
	shell := []string{"sh", "-c", "curl --header 'Authorization: Bearer hunter2' && TOKEN=hunter2 systemctl restart x", "hunter3"}
	if got := strings.Join(mask(shell), " "); strings.Contains(got, "hunter2") || !strings.Contains(got, "systemctl restart x") || !strings.Contains(got, "hunter3") {
		t.Errorf("shell: %q", got)
	}
}

func FuzzCmdline(f *testing.F) {
	f.Add("sh\x00-c\x00x --password=a b")
	f.Add("a\x00://:@")
	f.Add("--token\x00\xff\xfe\n\x1b[2J")
	f.Fuzz(func(t *testing.T, s string) {
		got := cmdline(splitArgs([]byte(s)))
		if len(got) > maxCmdline || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\x1b\x00") {
			t.Errorf("%q gives %q", s, got)
		}
		secret := cmdline(append([]string{"x", "--password=hunter2", "--api-token", "hunter2", "u://a:hunter2@b"}, "end"))
		if strings.Contains(secret, "hunter2") {
			t.Errorf("%q", secret)
		}
	})
}

func TestParseArgs(t *testing.T) {
	yes := func(verb string, units ...string) *ask { return &ask{verb: verb, units: units} }
	user := func(a *ask) *ask { a.user = true; return a }
	of := func(who string, a *ask) *ask { a.who = who; return a }
	proxy := func(a *ask) *ask { a.proxy = true; return a }
	tests := []struct {
		comm, args string
		want       *ask // nil: not a request
	}{
		{"systemctl", "systemctl restart nginx", yes("restart", "nginx.service")},
		{"systemctl", "/bin/systemctl stop a b.timer php*", yes("stop", "a.service", "b.timer", "php*")},
		{"systemctl", "systemctl -q --no-block restart -- -x", yes("restart", "-x.service")},
		{"systemctl", "systemctl --job-mode fail start a", yes("start", "a.service")},
		{"systemctl", "systemctl --job-mo=fail start a", yes("start", "a.service")},
		{"systemctl", "systemctl --job-mo fail start a", yes("start", "a.service")},
		{"systemctl", "systemctl start a --job-mode=fail", yes("start", "a.service")},
		{"systemctl", "systemctl -s HUP kill a", yes("kill", "a.service")},
		{"systemctl", "systemctl -qsHUP kill a", yes("kill", "a.service")},
		{"systemctl", "systemctl --signal HUP kill a", yes("kill", "a.service")},
		{"systemctl", "systemctl isolate rescue", yes("isolate", "rescue.target")},
		{"systemctl", "systemctl set-property a CPUWeight=1", yes("set-property", "a.service")},
		{"systemctl", "systemctl daemon-reload", yes("daemon-reload")},
		{"systemctl", "systemctl poweroff", yes("poweroff")},
		{"systemctl", "systemctl cancel 12", yes("cancel")},
		{"systemctl", "systemctl enable --now a", yes("enable", "a.service")},
		{"systemctl", "systemctl --user restart a", user(yes("restart", "a.service"))},
		{"systemctl", "systemctl -M .host restart a", yes("restart", "a.service")},
		{"systemctl", "systemctl status a", nil},
		{"systemctl", "systemctl is-active a", nil},
		{"systemctl", "systemctl list-units", nil},
		{"systemctl", "systemctl", nil},
		{"systemctl", "systemctl -H web restart a", nil},
		{"systemctl", "systemctl --host=web restart a", nil},
		{"systemctl", "systemctl -M c1 restart a", nil},
		{"systemctl", "systemctl -M bob@c1 --user restart a", nil},
		{"systemctl", "systemctl -M bob@.host --user restart a", of("bob", user(yes("restart", "a.service")))},
		{"systemctl", "systemctl --user --machine=1000@ restart a", of("1000", user(yes("restart", "a.service")))},
		{"systemctl", "systemctl --root=/mnt enable a", nil},
		{"systemctl", "weird restart a", yes("restart", "a.service")},
		{"reboot", "/sbin/reboot", yes("reboot")},
		{"shutdown", "shutdown -r now", yes("reboot")},
		{"shutdown", "shutdown -h now", yes("poweroff")},
		{"shutdown", "shutdown -c", yes("cancel")},
		{"halt", "halt -p", yes("poweroff")},
		{"init", "init 6", yes("reboot")},
		{"systemd-run", "systemd-run -u job --on-active 5 sleep 1", yes("run", "job.timer")},
		{"systemd-run", "systemd-run --unit=job sleep --unit=other", yes("run", "job.service")},
		{"systemd-run", "systemd-run --scope -p MemoryMax=1G sh", yes("run", "run-*.scope")},
		{"systemd-run", "systemd-run --user true", user(yes("run", "run-*.service"))},
		{"run0", "run0 --user bob id", yes("run", "run-*.service")},
		{"systemd-run", "systemd-run -M c1 true", nil},
		{"systemd-mount", "systemd-mount /dev/sdb1 /mnt/x", yes("run", "dev-sdb1.device", "mnt-x.mount")},
		{"busctl", "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager RestartUnit ss a.service replace", yes("call", "a.service")},
		{"busctl", "busctl monitor org.freedesktop.systemd1", nil},
		{"busctl", "busctl call org.example / org.example F s a.service", nil},
		{"gdbus", "gdbus call --system -d org.freedesktop.systemd1 -o /org/freedesktop/systemd1 -m org.freedesktop.systemd1.Manager.StopUnit 'a.service' 'replace'", yes("call", "a.service")},
		{"dbus-send", "dbus-send --system --dest=org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager.StartUnit string:a.service string:replace", yes("call", "a.service")},
		{"loginctl", "loginctl terminate-session 3", yes("terminate-session")},
		{"service", "/bin/sh /usr/sbin/service nginx restart", proxy(yes("restart", "nginx.service"))},
		{"service", "/bin/sh /usr/sbin/service nginx status", nil},
		{"service", "/bin/sh /usr/sbin/service --status-all", nil},
		{"invoke-rc.d", "/bin/sh /usr/sbin/invoke-rc.d --quiet nginx reload", proxy(yes("reload", "nginx.service"))},
		{"deb-systemd-inv", "/usr/bin/perl /usr/bin/deb-systemd-invoke restart a.service b.timer", proxy(yes("restart", "a.service", "b.timer"))},
		{"sh", "", nil},
	}
	for _, tt := range tests {
		got, ok := parseArgs(tt.comm, strings.Fields(tt.args))
		if ok != (tt.want != nil) {
			t.Errorf("%s: %+v, %v", tt.args, got, ok)
		} else if ok {
			if diff := cmp.Diff(*tt.want, got, cmp.AllowUnexported(ask{})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.args, diff)
			}
		}
	}
}

func FuzzParseArgs(f *testing.F) {
	f.Add("systemctl", "systemctl\x00-s\x00HUP\x00kill\x00a")
	f.Add("service", "sh\x00service\x00a\x00b")
	f.Add("systemd-run", "systemd-run\x00-u\x00--\x00x")
	f.Fuzz(func(t *testing.T, comm, args string) {
		a, ok := parseArgs(comm, splitArgs([]byte(args)))
		for _, u := range a.units {
			if ok && u == "" {
				t.Errorf("an empty unit from %q", args)
			}
		}
	})
}

func TestParseStat(t *testing.T) {
	rest := " S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1234 1 1\n"
	for _, comm := range []string{"systemctl", "a b", "a) S 9 (b", ""} {
		s, ok := parseStat([]byte("42 (" + comm + ")" + rest))
		if want := (stat{comm, 7, 1234}); s != want || !ok {
			t.Errorf("%q: %+v, %v", comm, s, ok)
		}
	}
	for _, bad := range []string{"", "42", "42 (x", ")(", "42 (x) S 1", strings.Replace("42 (x)"+rest, "7", "x", 1)} {
		if s, ok := parseStat([]byte(bad)); ok {
			t.Errorf("%q: %+v", bad, s)
		}
	}
}

func TestParsePasswd(t *testing.T) {
	got := parsePasswd([]byte("root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\nbad\nx:y:z:1:\nbob:x:1000:1000::/:\n"))
	if diff := cmp.Diff(map[uint32]string{0: "root", 1000: "bob"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
