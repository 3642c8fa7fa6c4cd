package journal

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

const otherBoot = "0358ebe886cc498f8cbb431328089e25"

// past is a journal with a bit of everything that queries ask for.
func past(t testing.TB) string {
	dir := t.TempDir()
	write(t, dir, "a.journal",
		pid1(0, "a.service", "a0", "JOB_ID=7", "MESSAGE_ID="+enrich.MsgStarted),
		pid1(1, "b@1.service", "b1"),
		line{2, []string{"_PID=9", "UNIT=a.service", "MESSAGE=forged"}},
		pid1(3, "b@2.service", "b3"),
		line{4, []string{"_PID=8", "_UID=0", "MESSAGE_ID=" + enrich.MsgCoredump, "COREDUMP_UNIT=a.service", "MESSAGE=a4 core"}},
		line{5, []string{"_PID=9", "_SYSTEMD_UNIT=a.service", "_SYSTEMD_INVOCATION_ID=" + inv, "MESSAGE=own"}},
		line{6, []string{"_PID=9", "_COMM=sudo", "_EXE=/usr/bin/sudo", "SYSLOG_IDENTIFIER=sudo", "MESSAGE=al : USER=root ; COMMAND=/bin/systemctl stop a"}},
	)
	write(t, dir, "b.journal",
		pid1(7, "a.service", "a7", "JOB_ID=8", "MESSAGE_ID="+enrich.MsgStopped),
		line{8, []string{"_PID=6", "_UID=0", "MESSAGE_ID=" + enrich.MsgVerdict, "SDWHY_UNIT=a.service", "SDWHY_EVENT={}", "MESSAGE=a8 verdict"}},
		line{9, []string{"_PID=6", "_UID=5", "MESSAGE_ID=" + enrich.MsgVerdict, "SDWHY_UNIT=a.service", "SDWHY_EVENT={}", "MESSAGE=forged verdict"}},
	)
	return dir
}

func TestRead(t *testing.T) {
	dir := past(t)
	at := func(s int64) int64 { return epoch + s*1e6 }
	tests := []struct {
		name string
		q    Query
		want string
	}{
		{"all", Query{}, "a0 b1 b3 a4 core a7 a8 verdict"},
		{"a unit", Query{Units: []string{"a.service"}}, "a0 a4 core a7 a8 verdict"},
		{"two units", Query{Units: []string{"a.service", "b@1.service"}, Limit: 2}, "a0 b1"},
		{"a glob", Query{Units: []string{"b@*.service"}}, "b1 b3"},
		{"the newest two", Query{Units: []string{"a.service"}, Reverse: true, Limit: 2}, "a8 verdict a7"},
		{"a range", Query{Since: at(1), Until: at(4)}, "b1 b3 a4 core"},
		{"a range, newest first", Query{Since: at(1), Until: at(4), Reverse: true}, "a4 core b3 b1"},
		{"after the end", Query{Since: at(100)}, ""},
		{"a job", Query{Jobs: []uint32{8}}, "a7"},
		{"a message id", Query{IDs: []string{enrich.MsgStarted, enrich.MsgCoredump}}, "a0 a4 core"},
		{"a boot", Query{Boot: boot, Limit: 1}, "a0"},
		{"another boot", Query{Boot: otherBoot}, ""},
		{"context", Query{Context: true}, "al : USER=root ; COMMAND=/bin/systemctl stop a"},
		{"a run's own lines", Query{Invocation: inv}, "own"},
		{"one file", Query{Files: []string{dir + "/b.journal"}}, "a7 a8 verdict"},
	}
	for _, tt := range tests {
		for _, argv := range [][]string{nil, child} {
			name := tt.name
			if argv != nil {
				name += ", by a child"
			}
			t.Run(name, func(t *testing.T) {
				tt.q.Exec = argv
				if tt.q.Files == nil {
					tt.q.Directory = dir
				}
				var got []string
				err := Read(context.Background(), tt.q, func(e enrich.Entry) bool {
					if e.BootID != boot {
						t.Errorf("boot id %q", e.BootID)
					}
					got = append(got, e.Message)
					return true
				})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
					t.Errorf("messages (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestReadErrors(t *testing.T) {
	dir := past(t)
	bad := t.TempDir() + "/bad.journal"
	if err := os.WriteFile(bad, []byte("not a journal"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		q    Query
		want string
	}{
		{"no such unit", Query{Directory: dir, Units: []string{"z*"}}, "no such unit in the journal: z*"},
		{"no such directory", Query{Directory: "/nonexistent"}, "/nonexistent"},
		{"no such file", Query{Files: []string{"/nonexistent.journal"}}, "/nonexistent.journal"},
		{"empty directory", Query{Directory: t.TempDir()}, "no journal files"},
		{"a file of something else", Query{Files: []string{bad}}, "bad.journal"},
		{"a range backwards", Query{Directory: dir, Since: 2, Until: 1}, "backwards"},
		{"no manager", Query{Directory: dir, Manager: "user"}, `manager "user"`},
	}
	for _, tt := range tests {
		for _, argv := range [][]string{nil, child} {
			t.Run(tt.name, func(t *testing.T) {
				tt.q.Exec = argv
				err := Read(context.Background(), tt.q, func(enrich.Entry) bool { return true })
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want one that says %q", err, tt.want)
				}
				if tt.name == "no such unit" && !errors.Is(err, ErrNoUnit) {
					t.Errorf("%v is not ErrNoUnit", err)
				}
			})
		}
	}
}

// TestReadStops ends a query from emit, and by its context.
func TestReadStops(t *testing.T) {
	dir := past(t)
	for _, argv := range [][]string{nil, child} {
		n := 0
		err := Read(context.Background(), Query{Directory: dir, Exec: argv}, func(enrich.Entry) bool { n++; return n < 2 })
		if n != 2 || err != nil {
			t.Errorf("emitted %d, %v; want 2", n, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := Read(ctx, Query{Directory: dir, Exec: argv}, func(enrich.Entry) bool { return true }); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
	}
}

// TestReadResumes kills the child in the middle of an answer.
func TestReadResumes(t *testing.T) {
	dir := t.TempDir()
	lines, texts := numbered(0, 5000)
	write(t, dir, "a.journal", lines...)
	var got []string
	err := Read(context.Background(), Query{Directory: dir, Exec: child, Limit: 4990}, func(e enrich.Entry) bool {
		if got = append(got, e.Message); len(got) == 100 || len(got) == 2000 {
			if pid := findChild(dir); pid != 0 {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		return true
	})
	if diff := cmp.Diff(texts[:4990], got); diff != "" || err != nil {
		t.Errorf("entries (-want +got):\n%s%v", diff, err)
	}
}

func TestKnown(t *testing.T) {
	dir := past(t)
	for _, argv := range [][]string{nil, child} {
		q := Query{Directory: dir, Exec: argv}
		boots, err := Boots(context.Background(), q)
		if diff := cmp.Diff([]Boot{{ID: boot, First: epoch, Last: epoch + 9*1e6}}, boots); diff != "" || err != nil {
			t.Errorf("boots (-want +got):\n%s%v", diff, err)
		}
		units, err := Units(context.Background(), q)
		if diff := cmp.Diff([]string{"a.service", "b@1.service", "b@2.service"}, units); diff != "" || err != nil {
			t.Errorf("units (-want +got):\n%s%v", diff, err)
		}
		if _, err := Units(context.Background(), Query{Directory: "/nonexistent", Exec: argv}); err == nil {
			t.Error("no error for a directory that is not there")
		}
	}
}

// TestPermission runs a child as nobody: the message names the group to join.
func TestPermission(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to run a child as nobody")
	}
	dir := past(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for d := dir; d != "/"; d = d[:max(1, strings.LastIndex(d, "/"))] {
		if info, err := os.Stat(d); err == nil && info.Mode()&0o1 == 0 {
			if err := os.Chmod(d, info.Mode().Perm()|0o5); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command("/proc/self/exe", "journal-child", modeUnits, `{"Directory":"`+dir+`"}`)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.Output()
	if !strings.Contains(string(out), "systemd-journal") {
		t.Errorf("the child says %q, %v", out, err)
	}
}

// TestNarrow holds that a query's message ids never widen a term that has ids of its own.
func TestNarrow(t *testing.T) {
	terms := narrow([]term{{"_PID=1"}, id("a", "b").and("_UID=0"), id("c")}, Query{IDs: []string{"b"}, Boot: "x", Jobs: []uint32{1, 2}})
	want := []term{
		{"_PID=1", "MESSAGE_ID=b", "_BOOT_ID=x", "JOB_ID=1", "JOB_ID=2"},
		{"_UID=0", "MESSAGE_ID=b", "_BOOT_ID=x", "JOB_ID=1", "JOB_ID=2"},
	}
	if diff := cmp.Diff(want, terms); diff != "" {
		t.Errorf("terms (-want +got):\n%s", diff)
	}
}
