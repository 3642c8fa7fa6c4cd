package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are those that the scripts of testdata have beside testscript's own.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"status": status, "waitfor": waitFor, "cutlast": cutRecording, "background": background, "hangup": hangUp,
	}
}

// status N CMD…: the command ends with status N.
func status(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == want, err == nil && want == 0:
	default:
		ts.Fatalf("%q: %v, want status %d", args[1:], err, want)
	}
}

// waitFor FILE REGEXP: until the file has a match, at most ten seconds.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[1])
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(ts.MkAbs(args[0]))
		if want.Match(text) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no %q in %s:\n%s", args[1], args[0], text)
		}
	}
}

// cutRecording FROM TO: a copy whose last line lacks its second half.
func cutRecording(ts *testscript.TestScript, _ bool, args []string) {
	text := bytes.TrimSuffix([]byte(ts.ReadFile(args[0])), []byte("\n"))
	start := bytes.LastIndexByte(text, '\n')
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text[:(start+len(text))/2], 0o600))
}

// background CMD…: its messages go to the file err; it is ended with SIGTERM after the script.
func background(ts *testscript.TestScript, _ bool, args []string) {
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+ts.Getenv("DBUS_SYSTEM_BUS_ADDRESS"))
	file, err := os.Create(ts.MkAbs("err"))
	ts.Check(err)
	cmd.Stderr = file
	ts.Check(cmd.Start())
	os.WriteFile(ts.MkAbs("pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600)
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			ts.Fatalf("%q: %v", args, err)
		}
		file.Close()
	})
}

// hangUp sends SIGHUP to what background started.
func hangUp(ts *testscript.TestScript, _ bool, _ []string) {
	pid, err := strconv.Atoi(ts.ReadFile("pid"))
	ts.Check(err)
	ts.Check(syscall.Kill(pid, syscall.SIGHUP))
}
