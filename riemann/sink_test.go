package riemann

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sunk is an event as libriemann-client decoded it.
type sunk struct {
	Host, Service, State, Description string
	Time                              int64
	TimeMicros                        int64 `json:"time_micros"`
	TTL                               float64
	Metric                            *float64
	Tags                              []string
	Attributes                        map[string]string
}

// need skips a test that lacks something, unless the machine is there to run all of them.
func need(t testing.TB, err error, what string) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("SDWHY_CI") == "1":
		t.Fatalf("%s: %v", what, err)
	default:
		t.Skipf("%s: %v", what, err)
	}
}

// sinkBinary builds integration/sink/sink.c once a test.
func sinkBinary(t testing.TB) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "sink")
	out, err := exec.Command("gcc", "-O1", "-o", bin, "../integration/sink/sink.c", "-lriemann-client").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	need(t, err, "build the sink (apt-get install gcc libriemann-client-dev)")
	return bin
}

// A sink is a running integration/sink.
type sink struct {
	Target Target
	Events chan sunk
	cmd    *exec.Cmd
}

// startSink runs the C sink; an address of 127.0.0.1:0 takes a free port.
func startSink(t testing.TB, bin, address string, args ...string) *sink {
	t.Helper()
	cmd := exec.Command(bin, append([]string{address}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &sink{Events: make(chan sunk, 100000), cmd: cmd}
	t.Cleanup(s.stop)
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		t.Fatalf("sink said %q: %v", line, err)
	}
	s.Target, err = ParseTarget(strings.TrimSpace(strings.TrimPrefix(line, "listening ")))
	if err != nil {
		t.Fatal(err)
	}
	go s.read(json.NewDecoder(stdout))
	return s
}

func (s *sink) read(lines *json.Decoder) {
	defer close(s.Events)
	for {
		var e sunk
		if lines.Decode(&e) != nil {
			return
		}
		s.Events <- e
	}
}

// stop ends the sink and its children, which are one process group.
func (s *sink) stop() {
	if s.cmd.ProcessState == nil {
		syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		s.cmd.Wait()
	}
}

// event is the next event that the sink got.
func (s *sink) event(t testing.TB) sunk {
	t.Helper()
	select {
	case e, ok := <-s.Events:
		if !ok {
			t.Fatal("the sink has ended")
		}
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("the sink got no event in 20 s")
	}
	return sunk{}
}
