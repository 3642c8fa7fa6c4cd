package watcher

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sdwhy/enrich"
)

// A fakeProcess is a line of a fake /proc.
type fakeProcess struct {
	pid, parent int
	comm, args  string // args are separated by spaces
	uid, login  uint32
	cgroup      string
	nspid       string
}

func (p fakeProcess) files() map[string]string {
	comm := p.comm
	if comm == "" {
		comm = "sh"
	}
	return map[string]string{
		"comm":     comm + "\n",
		"stat":     fmt.Sprintf("%d (%s) S %d 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 100 1 1\n", p.pid, comm, p.parent),
		"cmdline":  strings.ReplaceAll(p.args, " ", "\x00") + "\x00",
		"status":   fmt.Sprintf("Name:\t%s\nUid:\t%d\t%d\t%d\t%d\nNSpid:\t%d%s\n", comm, p.uid, p.uid, p.uid, p.uid, p.pid, p.nspid),
		"loginuid": fmt.Sprint(p.login),
		"cgroup":   "0::" + p.cgroup + "\n",
	}
}

func fakeProc(t testing.TB, processes ...fakeProcess) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range processes {
		d := filepath.Join(dir, fmt.Sprint(p.pid))
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range p.files() {
			if err := os.WriteFile(filepath.Join(d, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, other := range []string{"sys", "self", "12ab", "0"} {
		_ = os.Mkdir(filepath.Join(dir, other), 0o755)
	}
	return dir
}

func TestClients(t *testing.T) {
	init := fakeProcess{pid: 1, comm: "systemd", args: "/sbin/init"}
	shell := fakeProcess{pid: 300, parent: 200, comm: "bash", args: "bash"}
	tests := []struct {
		name  string
		user  bool
		uid   uint32
		procs []fakeProcess
		want  []enrich.Client
	}{
		{name: "nobody", procs: []fakeProcess{init, shell}},
		{name: "root at a shell", procs: []fakeProcess{init, shell, {pid: 200, parent: 1, comm: "sshd) x"},
			{pid: 400, parent: 300, comm: "systemctl", args: "systemctl restart nginx --password=x", login: 1000, cgroup: "/user.slice/session-3.scope"}},
			want: []enrich.Client{{PID: 400, Comm: "systemctl", Cmdline: "systemctl restart nginx --password=***", User: "root", LoginUID: 1000,
				LoginUser: "bob", Unit: "session-3.scope", Cgroup: "/user.slice/session-3.scope", Via: []string{"bash", "sshd) x"}, Verb: "restart", Units: []string{"nginx.service"}}}},
		{name: "a service's child, parent gone", procs: []fakeProcess{init,
			{pid: 400, parent: 399, comm: "systemctl", args: "/bin/systemctl stop a", uid: 7, login: noLogin, cgroup: "/system.slice/cron.service"}},
			want: []enrich.Client{{PID: 400, Comm: "systemctl", Cmdline: "/bin/systemctl stop a", UID: 7, LoginUID: noLogin,
				Unit: "cron.service", Cgroup: "/system.slice/cron.service", Verb: "stop", Units: []string{"a.service"}}}},
		{name: "in a container", procs: []fakeProcess{init, {pid: 400, parent: 1, comm: "systemctl", args: "systemctl stop a", nspid: "\t17"}}},
		{name: "only asks", procs: []fakeProcess{init, {pid: 400, parent: 1, comm: "systemctl", args: "systemctl status a"}}},
		{name: "the user manager's", procs: []fakeProcess{init, {pid: 400, parent: 1, comm: "systemctl", args: "systemctl --user stop a"}}},
		{name: "for a user manager", user: true, procs: []fakeProcess{init,
			{pid: 400, parent: 1, comm: "systemctl", args: "systemctl --user stop a", login: noLogin},
			{pid: 401, parent: 1, comm: "systemctl", args: "systemctl stop b"}},
			want: []enrich.Client{{PID: 400, Comm: "systemctl", Cmdline: "systemctl --user stop a", User: "root", LoginUID: noLogin, Cgroup: "",
				Verb: "stop", Units: []string{"a.service"}}}},
		{name: "for another user's manager, by machine", user: true, uid: 1000, procs: []fakeProcess{init,
			{pid: 400, parent: 1, comm: "systemctl", args: "systemctl --user stop a"},
			{pid: 401, parent: 1, comm: "systemctl", args: "systemctl --user stop b", uid: 1001},
			{pid: 402, parent: 1, comm: "systemctl", args: "systemctl --user -M sue@ stop c"},
			{pid: 403, parent: 1, comm: "systemctl", args: "systemctl --user --machine=1000@ stop d", login: noLogin},
			{pid: 404, parent: 1, comm: "systemctl", args: "systemctl --user -M bob@.host stop e", login: noLogin}},
			want: []enrich.Client{
				{PID: 404, Comm: "systemctl", Cmdline: "systemctl --user -M bob@.host stop e", User: "root", LoginUID: noLogin, Verb: "stop", Units: []string{"e.service"}},
				{PID: 403, Comm: "systemctl", Cmdline: "systemctl --user --machine=1000@ stop d", User: "root", LoginUID: noLogin, Verb: "stop", Units: []string{"d.service"}}}},
		{name: "a zombie", procs: []fakeProcess{init, {pid: 400, parent: 1, comm: "systemctl", args: ""}}},
		{name: "script and its systemctl", procs: []fakeProcess{init,
			{pid: 398, parent: 1, comm: "deb-systemd-inv", args: "perl /usr/bin/deb-systemd-invoke restart a.service"},
			{pid: 400, parent: 398, comm: "systemctl", args: "systemctl restart a.service", login: noLogin}},
			want: []enrich.Client{{PID: 400, Comm: "systemctl", Cmdline: "systemctl restart a.service", User: "root", LoginUID: noLogin,
				Via: []string{"deb-systemd-inv"}, Verb: "restart", Units: []string{"a.service"}}}},
		{name: "script alone", procs: []fakeProcess{init,
			{pid: 398, parent: 1, comm: "deb-systemd-inv", args: "perl /usr/bin/deb-systemd-invoke restart a.service", login: noLogin}},
			want: []enrich.Client{{PID: 398, Comm: "deb-systemd-inv", Cmdline: "perl /usr/bin/deb-systemd-invoke restart a.service", User: "root",
				LoginUID: noLogin, Verb: "restart", Units: []string{"a.service"}}}},
		{name: "ourselves", procs: []fakeProcess{init, {pid: os.Getpid(), parent: 1, comm: "systemctl", args: "systemctl stop a"}}},
	}
	passwd := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(passwd, []byte("root:x:0:0:::\nbob:x:1000:1000:::\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table := newTable(fakeProc(t, tt.procs...), tt.user)
			table.users.file = passwd
			table.uid.Store(tt.uid)
			defer table.close()
			for range 2 { // the second scan reuses what the first left
				got := clientsOf(table.clients())
				if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(enrich.Client{}, "Started")); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestSeeProc(t *testing.T) {
	if w := seeProc(fakeProc(t, fakeProcess{pid: 1})); !w.Up || w.Why != "" {
		t.Errorf("visible: %+v", w)
	}
	if w := seeProc(fakeProc(t, fakeProcess{pid: 2})); w.Up || w.Why == "" {
		t.Errorf("hidden: %+v", w)
	}
}

func TestNoProc(t *testing.T) {
	table := newTable(filepath.Join(t.TempDir(), "none"), false)
	if got := table.clients(); got != nil {
		t.Errorf("%+v", got)
	}
}

func FuzzPIDs(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 24, 0, 4, '4', '2', 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for p, rest := cutPID(b); len(rest) > 0; p, rest = cutPID(rest) {
			if p.pid < 0 || p.pid > math.MaxInt32 {
				t.Errorf("pid %d", p.pid)
			}
		}
	})
}
