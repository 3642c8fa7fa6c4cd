package integration

import (
	"context"
	_ "embed" // boot.sh
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed boot.sh
var bootScript string

// A Container is a booted systemd. Close must be called; if this process dies
// first, the kernel kills the container.
type Container struct {
	Name string

	dir     string
	console *os.File
	nspawn  *exec.Cmd
	ended   chan struct{} // closed when nspawn has exited
	init    int           // the pid, in our namespace, of the container's PID 1
	session string        // cgroup directory, inside, of a login session; "" for none
}

// Prepare makes a container that is not booted yet: Install puts files in first.
func Prepare(name string) (*Container, error) {
	sweep()
	dir, err := os.MkdirTemp("/var/tmp", fmt.Sprintf("sdwhy-%d-", os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("failed to make the container's folder: %w", err)
	}
	return &Container{Name: name, dir: dir, ended: make(chan struct{})}, nil
}

// sweep removes what containers of killed processes left behind.
func sweep() {
	left, _ := filepath.Glob("/var/tmp/sdwhy-*-*")
	for _, dir := range left {
		if gone(strings.Split(filepath.Base(dir), "-")[1]) {
			os.RemoveAll(dir)
		}
	}
	for _, mount := range hierarchies() {
		left, _ := filepath.Glob(filepath.Join(mount, "sdwhy*-*"))
		for _, dir := range left {
			if _, pid, _ := strings.Cut(filepath.Base(dir), "-"); gone(pid) {
				removeCgroups(filepath.Base(dir))
			}
		}
	}
}

// gone says whether text is the pid of a process that has ended.
func gone(text string) bool {
	pid, err := strconv.Atoi(text)
	return err == nil && errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

// Path is where the host sees a file that was installed, or written inside.
func (c *Container) Path(inside string) string { return filepath.Join(c.dir, "files", inside) }

// Init is the pid, in our namespace, of the container's PID 1; its /proc/PID/root is
// the container's own view of its files and cgroups.
func (c *Container) Init() int { return c.init }

// Install writes a file before the boot.
func (c *Container) Install(path string, data []byte, mode fs.FileMode) error {
	path = c.Path(path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, mode)
}

// Boot starts systemd on the root filesystem base and waits until it has finished
// booting, well or degraded.
func (c *Container) Boot(ctx context.Context, base string) error {
	if err := c.start(base); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for {
		if c.init == 0 {
			c.init = initOf(c.nspawn.Process.Pid)
		} else if out, _ := c.Run(ctx, "systemctl", "is-system-running"); slices.Contains(
			[]string{"running", "degraded"}, strings.TrimSpace(out)) {
			return c.login(ctx)
		}
		select {
		case <-c.ended:
			return fmt.Errorf("container %s ended while booting:\n%s", c.Name, c.Console())
		case <-ctx.Done():
			return fmt.Errorf("container %s did not boot: %w\n%s", c.Name, ctx.Err(), c.Console())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// start runs boot.sh. Pdeathsig goes by thread, so one is kept for the container's life.
func (c *Container) start(base string) (err error) {
	if c.console, err = os.Create(filepath.Join(c.dir, "console")); err != nil {
		return err
	}
	// A pid namespace around nspawn makes the kernel kill the container with it.
	c.nspawn = exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		"bash", "-c", bootScript, "boot.sh", base, c.dir, c.Name)
	c.nspawn.Stdout, c.nspawn.Stderr = c.console, c.console
	c.nspawn.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := c.nspawn.Start()
		started <- err
		if err == nil {
			_ = c.nspawn.Wait()
			close(c.ended)
		}
	}()
	if err := <-started; err != nil {
		close(c.ended)
		return fmt.Errorf("failed to start systemd-nspawn: %w", err)
	}
	return nil
}

// initOf finds the grandchild (unshare's child is nspawn) that is PID 1 of its own
// namespace; 0 for none yet.
func initOf(unshare int) int {
	for _, nspawn := range children(unshare) {
		for _, child := range children(nspawn) {
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", child))
			comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", child))
			if ownPID1.Match(status) && string(comm) == "systemd\n" {
				return child
			}
		}
	}
	return 0
}

var ownPID1 = regexp.MustCompile(`(?m)^NSpid:(\t\d+)+\t1$`)

func children(pid int) []int {
	list, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	var pids []int
	for _, field := range strings.Fields(string(list)) {
		if child, err := strconv.Atoi(field); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}

// login opens a login session that lasts, so that what is run is run from a session
// as a person's commands are.
func (c *Container) login(ctx context.Context) error {
	if err := c.command(context.Background(), "su", "-l", "root", "-c", "exec sleep infinity").Start(); err != nil {
		return fmt.Errorf("failed to log in: %w", err)
	}
	script := `for i in $(seq 200); do for d in /sys/fs/cgroup/user.slice/user-0.slice/session-*.scope; do
		[ -d "$d" ] && echo "$d" && exit; done; sleep 0.05; done; exit 1`
	out, err := c.Run(ctx, "sh", "-c", script)
	if err != nil {
		return fmt.Errorf("no login session: %w", err)
	}
	c.session = strings.TrimSpace(out)
	return nil
}

// Console is the last of what the container wrote to its console.
func (c *Container) Console() string {
	out, _ := os.ReadFile(filepath.Join(c.dir, "console"))
	return lastLines(string(out), 20)
}
