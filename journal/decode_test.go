package journal

import (
	"encoding/json"
	"maps"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sdwhy/enrich"
)

const (
	boot = "b358ebe886cc498f8cbb431328089e25"
	inv  = "dc441b5f0c1e4a0f9f6bb1f9e54d2c11"
)

func TestDecode(t *testing.T) {
	user := manager{user: true, uid: "1000", pid: "812"}
	pid1 := map[string]string{"_PID": "1", "_COMM": "systemd", "_TRANSPORT": "journal", "_SYSTEMD_CGROUP": "/init.scope"}
	with := func(base map[string]string, more ...string) map[string]string {
		m := maps.Clone(base)
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	kernel := map[string]string{"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel", "PRIORITY": "6"}
	sudo := map[string]string{"_COMM": "sudo", "_EXE": "/usr/bin/sudo", "_UID": "1000", "SYSLOG_IDENTIFIER": "sudo"}
	bus := map[string]string{"_COMM": "dbus-daemon", "_SYSTEMD_UNIT": "dbus.service"}
	verdict := map[string]string{
		"MESSAGE_ID": enrich.MsgVerdict, "MESSAGE": "x crashed", "SDWHY_UNIT": "x.service", "SDWHY_CAUSE": "crash", "SDWHY_EVENT": `{"id":"1"}`,
	}
	coredump := map[string]string{
		"MESSAGE_ID": enrich.MsgCoredump, "COREDUMP_UNIT": "user@1000.service", "COREDUMP_USER_UNIT": "x.service",
		"COREDUMP_PID": "9", "COREDUMP_SIGNAL_NAME": "SIGSEGV", "_UID": "0",
	}
	spawn := map[string]string{"MESSAGE_ID": enrich.MsgSpawnFailed, "UNIT": "x.service", "_PID": "77", "ERRNO": "2"}

	tests := []struct {
		name   string
		d      decoder
		fields map[string]string
		want   enrich.Entry
		drop   bool
	}{
		{name: "started", fields: with(pid1, "MESSAGE_ID", enrich.MsgStarted, "UNIT", "x.service", "INVOCATION_ID", inv,
			"JOB_ID", "1745", "JOB_TYPE", "start", "JOB_RESULT", "done", "CODE_FUNC", "job_emit_done_message", "PRIORITY", "6", "MESSAGE", "Started x.service."),
			want: enrich.Entry{Source: "systemd", PID: 1, MessageID: enrich.MsgStarted, Unit: "x.service", Invocation: inv, Job: 1745, JobType: "start",
				JobResult: "done", Func: "job_emit_done_message", Priority: 6, Message: "Started x.service."}},
		{name: "exit", fields: with(pid1, "UNIT", "x.service", "EXIT_CODE", "exited", "EXIT_STATUS", "3", "COMMAND", "ExecStart", "UNIT_RESULT", "exit-code", "N_RESTARTS", "2"),
			want: enrich.Entry{Source: "systemd", PID: 1, Unit: "x.service", ExitCode: "exited", ExitStatus: "3", Command: "ExecStart", Result: "exit-code", Restarts: "2"}},
		{name: "times", fields: with(pid1, "_SOURCE_REALTIME_TIMESTAMP", "99", "_BOOT_ID", "0358ebe886cc498f8cbb431328089e25"),
			want: enrich.Entry{Source: "systemd", PID: 1, Time: 99, BootID: "0358ebe886cc498f8cbb431328089e25"}},
		{name: "numbers out of range", fields: with(pid1, "JOB_ID", "4294967296", "PRIORITY", "8", "INVOCATION_ID", "../x", "_SOURCE_REALTIME_TIMESTAMP", "-1"),
			want: enrich.Entry{Source: "systemd", PID: 1}},
		{name: "anyone's UNIT", fields: map[string]string{"_PID": "7", "UNIT": "x.service", "MESSAGE_ID": enrich.MsgStarted, "_COMM": "systemd"}, drop: true},
		{name: "user manager", d: decoder{manager: user}, fields: map[string]string{"_PID": "812", "_SYSTEMD_UNIT": "user@1000.service", "USER_UNIT": "x.service",
			"USER_INVOCATION_ID": inv, "UNIT": "forged.service"}, want: enrich.Entry{Source: "systemd", PID: 812, Unit: "x.service", Invocation: inv}},
		{name: "another user's manager", d: decoder{manager: user}, fields: map[string]string{"_PID": "812", "_SYSTEMD_UNIT": "user@1001.service", "USER_UNIT": "x.service"}, drop: true},
		{name: "any manager of a user", d: decoder{manager: manager{user: true, uid: "1000"}}, fields: map[string]string{"_PID": "5", "_COMM": "systemd",
			"_SYSTEMD_UNIT": "user@1000.service", "_SYSTEMD_USER_UNIT": "init.scope"}, want: enrich.Entry{Source: "systemd", PID: 5}},
		{name: "spawn, in init.scope", fields: with(spawn, "_SYSTEMD_UNIT", "init.scope"),
			want: enrich.Entry{Source: "child", PID: 77, MessageID: enrich.MsgSpawnFailed, Unit: "x.service", Fields: map[string]string{"ERRNO": "2"}}},
		{name: "spawn, of its own unit", fields: with(spawn, "_SYSTEMD_UNIT", "x.service"),
			want: enrich.Entry{Source: "child", PID: 77, MessageID: enrich.MsgSpawnFailed, Unit: "x.service", Fields: map[string]string{"ERRNO": "2"}}},
		{name: "spawn, gone before journald looked", fields: spawn,
			want: enrich.Entry{Source: "child", PID: 77, MessageID: enrich.MsgSpawnFailed, Unit: "x.service", Fields: map[string]string{"ERRNO": "2"}}},
		{name: "spawn, of another unit", fields: with(spawn, "_SYSTEMD_UNIT", "evil.service"), drop: true},
		{name: "coredump", fields: with(coredump, "_SYSTEMD_UNIT", "systemd-coredump@1-9-0.service"),
			want: enrich.Entry{Source: "coredump", MessageID: enrich.MsgCoredump, Unit: "user@1000.service", Fields: map[string]string{"COREDUMP_PID": "9", "COREDUMP_SIGNAL_NAME": "SIGSEGV"}}},
		{name: "coredump, user's unit", d: decoder{manager: user}, fields: coredump,
			want: enrich.Entry{Source: "coredump", MessageID: enrich.MsgCoredump, Unit: "x.service", Fields: map[string]string{"COREDUMP_PID": "9", "COREDUMP_SIGNAL_NAME": "SIGSEGV"}}},
		{name: "coredump, forged", fields: with(coredump, "_SYSTEMD_UNIT", "evil.service"), drop: true},
		{name: "kernel, cgroup's OOM", fields: with(kernel, "MESSAGE", "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/a,task_memcg=/system.slice/x.service,task=x,pid=7,uid=0"),
			want: enrich.Entry{Source: "kernel", Priority: 6, Unit: "x.service", Message: "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/a,task_memcg=/system.slice/x.service,task=x,pid=7,uid=0",
				Fields: map[string]string{"constraint": "CONSTRAINT_MEMCG", "oom_memcg": "/a", "task_memcg": "/system.slice/x.service", "task": "x", "pid": "7", "uid": "0"}}},
		{name: "kernel, killed", fields: with(kernel, "MESSAGE", "Memory cgroup out of memory: Killed process 7 (x y) total-vm:1kB"),
			want: enrich.Entry{Source: "kernel", Priority: 6, Message: "Memory cgroup out of memory: Killed process 7 (x y) total-vm:1kB", Fields: map[string]string{"pid": "7", "task": "x y"}}},
		{name: "kernel, something else", fields: with(kernel, "MESSAGE", "eth0: link up, not out of memory: Killed process 7 (x)"), drop: true},
		{name: "PID 1 by way of the kernel", fields: map[string]string{"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "systemd", "MESSAGE": "x.service: Failed."},
			want: enrich.Entry{Source: "systemd", Message: "x.service: Failed.", Fields: map[string]string{"_TRANSPORT": "kernel"}}},
		{name: "oomd", fields: map[string]string{"_SYSTEMD_UNIT": "systemd-oomd.service", "MESSAGE": "Killed /system.slice/x.service due to memory pressure"},
			want: enrich.Entry{Source: "oomd", Unit: "x.service", Message: "Killed /system.slice/x.service due to memory pressure", Fields: map[string]string{"cgroup": "/system.slice/x.service"}}},
		{name: "oomd's other lines", fields: map[string]string{"_SYSTEMD_UNIT": "systemd-oomd.service", "MESSAGE": "Swap is low"}, drop: true},
		{name: "shutdown", fields: map[string]string{"_SYSTEMD_UNIT": "systemd-logind.service", "MESSAGE_ID": enrich.MsgShutdown, "SHUTDOWN": "reboot"},
			want: enrich.Entry{Source: "logind", MessageID: enrich.MsgShutdown, Fields: map[string]string{"SHUTDOWN": "reboot"}}},
		{name: "shutdown, forged", fields: map[string]string{"_SYSTEMD_UNIT": "evil.service", "MESSAGE_ID": enrich.MsgShutdown, "SHUTDOWN": "reboot"}, drop: true},
		{name: "sleep", fields: map[string]string{"_SYSTEMD_UNIT": "systemd-suspend.service", "_UID": "0", "MESSAGE_ID": msgSleepStart, "SLEEP": "suspend"},
			want: enrich.Entry{Source: "logind", MessageID: msgSleepStart, Fields: map[string]string{"SLEEP": "suspend"}}},
		{name: "bus activation", fields: with(bus, "MESSAGE", `[system] Activating via systemd: service name='org.x' unit='x.service' requested by ':1.5' (uid=0 pid=7 comm="busctl --password hunter2 unit='evil.service'" label="x")`),
			want: enrich.Entry{Source: "dbus", Unit: "x.service", Message: `[system] Activating via systemd: service name='org.x' unit='x.service' requested by ':1.5' (uid=0 pid=7 comm="busctl --password *** unit='evil.service'" label="x")`,
				Fields: map[string]string{"name": "org.x", "uid": "0", "pid": "7", "comm": "busctl --password *** unit='evil.service'"}}},
		{name: "bus activated", fields: with(bus, "MESSAGE", "[system] Successfully activated service 'org.x'"),
			want: enrich.Entry{Source: "dbus", Message: "[system] Successfully activated service 'org.x'", Fields: map[string]string{"name": "org.x"}}},
		{name: "bus, other lines", fields: with(bus, "MESSAGE", "[system] Reloaded configuration"), drop: true},
		{name: "sudo", fields: with(sudo, "MESSAGE", "   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/systemctl restart x"),
			want: enrich.Entry{Source: "sudo", Message: "alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/systemctl restart x",
				Fields: map[string]string{"BY": "alice", "TTY": "pts/0", "PWD": "/home/alice", "USER": "root", "COMMAND": "/usr/bin/systemctl restart x", "_UID": "1000"}}},
		{name: "sudo, refused", fields: with(sudo, "MESSAGE", "alice : user NOT in sudoers ; TTY=pts/0 ; COMMAND=/usr/bin/systemctl restart x"), drop: true},
		{name: "sudo, something else", fields: with(sudo, "MESSAGE", "alice : TTY=pts/0 ; USER=root ; COMMAND=/usr/bin/vim /etc/hosts"), drop: true},
		{name: "sudo, forged", fields: with(sudo, "_EXE", "/home/alice/sudo", "MESSAGE", "root : TTY=pts/0 ; USER=root ; COMMAND=/usr/bin/systemctl restart x"), drop: true},
		{name: "journald dropped", fields: map[string]string{"_TRANSPORT": "driver", "MESSAGE_ID": enrich.MsgJournalDropped, "MESSAGE": "Suppressed 34 messages from init.scope", "N_DROPPED": "34"},
			want: enrich.Entry{Source: "journald", MessageID: enrich.MsgJournalDropped, Unit: "init.scope", Message: "Suppressed 34 messages from init.scope", Fields: map[string]string{"N_DROPPED": "34"}}},
		{name: "journald dropped, forged", fields: map[string]string{"_TRANSPORT": "journal", "MESSAGE_ID": enrich.MsgJournalDropped, "N_DROPPED": "34"}, drop: true},
		{name: "verdict of the service", fields: with(verdict, "_SYSTEMD_UNIT", "sdwhy.service", "_UID", "990"),
			want: enrich.Entry{Source: "sdwhy", MessageID: enrich.MsgVerdict, Message: "x crashed", Unit: "x.service", Fields: map[string]string{"SDWHY_CAUSE": "crash", "SDWHY_EVENT": `{"id":"1"}`}}},
		{name: "verdict of root", fields: with(verdict, "_UID", "0"),
			want: enrich.Entry{Source: "sdwhy", MessageID: enrich.MsgVerdict, Message: "x crashed", Unit: "x.service", Fields: map[string]string{"SDWHY_CAUSE": "crash", "SDWHY_EVENT": `{"id":"1"}`}}},
		{name: "verdict of anyone", fields: with(verdict, "_UID", "1000"), drop: true},
		{name: "unit's own line", d: decoder{own: true}, fields: map[string]string{"_SYSTEMD_UNIT": "x.service", "_SYSTEMD_INVOCATION_ID": inv, "MESSAGE": "db_password=hunter2 refused"},
			want: enrich.Entry{Source: "unit", Unit: "x.service", Invocation: inv, Message: "db_password=*** refused"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.d.boot = boot
			tt.fields = with(tt.fields, "_BOOT_ID", first(tt.fields["_BOOT_ID"], boot))
			got, ok := tt.d.entry(made(tt.fields))
			if ok == tt.drop {
				t.Fatalf("passed: %v, want %v (%+v)", ok, !tt.drop, got)
			}
			if tt.drop {
				return
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("entry (-want +got):\n%s", diff)
			}
		})
	}
}

// made is a record of the fields given.
func made(fields map[string]string) *record {
	r := new(record)
	for f, name := range fieldNames {
		r.fields[f] = fields[name]
	}
	return r
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func TestClip(t *testing.T) {
	tests := []struct{ in, want string }{
		{"abc", "abc"}, {"abcdef", "abcd"}, {"abcé", "abc"}, {"a\xffb", "a?b"}, {"\xff\xfe\xfd\xfc\xfb", "?"},
	}
	for _, tt := range tests {
		if got := clip(tt.in, 4); got != tt.want {
			t.Errorf("clip(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestMask(t *testing.T) {
	tests := []struct{ in, want string }{
		{"systemctl restart x", "systemctl restart x"},
		{"curl -H 'Authorization: Bearer abc'", "curl -H 'Authorization: Bearer ***"},
		{"x --password hunter2 --user a", "x --password *** --user a"},
		{"x --api-key=abc", "x --api-key=***"},
		{`DB_PASSWORD="a b" x`, `DB_PASSWORD=*** x`},
		{"https://u:pw@host/", "https://u:***@host/"},
		{"systemctl start token.service", "systemctl start token.service"},
	}
	for _, tt := range tests {
		if got := mask(tt.in); got != tt.want {
			t.Errorf("mask(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// FuzzDecode holds what every reader of entries relies on: bounded strings,
// valid UTF-8, and an entry that survives a recording.
func FuzzDecode(f *testing.F) {
	f.Add("_PID", "1", "UNIT", "x.service", "MESSAGE", "a\xff")
	f.Add("_TRANSPORT", "kernel", "SYSLOG_IDENTIFIER", "kernel", "MESSAGE", "oom-kill:pid=\xff,task_memcg=/a.service")
	f.Add("_SYSTEMD_UNIT", "dbus.service", "_COMM", "dbus-daemon", "MESSAGE", "Activating via systemd: service name='a' unit='b' (uid=0 pid=1 comm=\"")
	f.Add("_COMM", "sudo", "_EXE", "/usr/bin/sudo", "MESSAGE", "a : TTY=b ; COMMAND=systemctl token=x")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2, k3, v3 string) {
		fields := map[string]string{"__CURSOR": "c", k1: v1, k2: v2, k3: v3}
		for _, d := range []decoder{{}, {own: true}, {manager: manager{user: true, uid: "1"}}} {
			e, ok := d.entry(made(fields))
			if !ok {
				continue
			}
			for _, s := range texts(&e) {
				if len(*s) > maxString+8 || !utf8.ValidString(*s) {
					t.Errorf("%q is not bounded UTF-8", *s)
				}
			}
			text, err := json.Marshal(e)
			var back enrich.Entry
			if err != nil || json.Unmarshal(text, &back) != nil || !cmp.Equal(e, back, cmpopts.EquateEmpty()) {
				t.Errorf("JSON changes %+v into %+v", e, back)
			}
		}
	})
}
