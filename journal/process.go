package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// stopWait is how long a child may take to end once its stdin is closed.
const stopWait = time.Second

// A process is a running child.
type process struct {
	in, out *os.File // its stdin's and stdout's other ends
	cmd     *exec.Cmd
	stderr  head
	ended   chan struct{}
	err     error // why it ended; after ended is closed
}

// start runs a child; argv is the hidden subcommand's command line.
func start(argv []string, mode string, what any) (*process, error) {
	spec, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	if len(argv) == 0 {
		return nil, errors.New("start the journal child: no command line given")
	}
	stdin, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the journal child: %w", err)
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the journal child: %w", err), stdin.Close(), in.Close())
	}
	p := &process{in: in, out: out, ended: make(chan struct{})}
	p.cmd = exec.Command(argv[0], append(argv[1:len(argv):len(argv)], mode, string(spec))...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdout, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = p.run()
	stdin.Close()
	stdout.Close()
	if err != nil {
		in.Close()
		out.Close()
		return nil, fmt.Errorf("start the journal child: %w", err)
	}
	return p, nil
}

// run starts the command on a thread that lives as long as the child does: the
// parent-death signal is sent when the thread that forked ends (prctl(2)).
func (p *process) run() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.ended)
		}
	}()
	return <-started
}

// stop ends the child and says why it ended; "" for no trouble.
func (p *process) stop() string {
	p.in.Close()
	p.out.Close()
	kill := time.AfterFunc(stopWait, func() { p.cmd.Process.Kill() })
	defer kill.Stop()
	<-p.ended
	if p.err == nil {
		return ""
	}
	return strings.TrimSpace(p.err.Error() + " " + p.stderr.firstLine())
}

// A head keeps the first bytes written to it.
type head struct{ buf bytes.Buffer }

func (h *head) Write(b []byte) (int, error) {
	h.buf.Write(b[:min(len(b), max(0, maxString-h.buf.Len()))])
	return len(b), nil
}

func (h *head) firstLine() string {
	line, _, _ := strings.Cut(strings.TrimSpace(h.buf.String()), "\n")
	return clip(line, maxString)
}
