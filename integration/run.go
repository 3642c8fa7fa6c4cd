package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// command runs inside the container, in its login session when there is one.
func (c *Container) command(ctx context.Context, argv ...string) *exec.Cmd {
	args := []string{"-t", strconv.Itoa(c.init), "-a", "--"}
	if c.session != "" {
		args = append(args, "sh", "-c", `echo $$ >"$0/cgroup.procs"; exec "$@"`, c.session)
	}
	cmd := exec.CommandContext(ctx, "nsenter", append(args, argv...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb"}
	// nsenter forks into the pid namespace: the whole group must go.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

// Run runs a command inside and returns its stdout; the error carries its stderr.
func (c *Container) Run(ctx context.Context, argv ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := c.command(ctx, argv...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("failed to run %q in %s: %w: %s", argv, c.Name, err, lastLines(stderr.String(), 10))
	}
	return stdout.String(), nil
}

// Command is a command inside the container, for callers that follow its output.
func (c *Container) Command(ctx context.Context, argv ...string) *exec.Cmd {
	return c.command(ctx, argv...)
}

// PowerOff shuts the container down as a person would and waits until it has ended.
func (c *Container) PowerOff(ctx context.Context) error {
	// systemctl may be killed by the shutdown that it asked for.
	_, _ = c.Run(ctx, "systemctl", "poweroff")
	select {
	case <-c.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("container %s did not power off: %w\n%s", c.Name, ctx.Err(), c.Console())
	}
}

// Close kills the container and removes what it wrote.
func (c *Container) Close() error {
	if c.nspawn != nil && c.nspawn.Process != nil {
		if c.init != 0 {
			_ = unix.Kill(c.init, unix.SIGKILL)
		}
		select {
		case <-c.ended:
		case <-time.After(3 * time.Second):
			_ = c.nspawn.Process.Kill()
			<-c.ended
		}
		c.console.Close()
		removeCgroups(c.Name)
	}
	return os.RemoveAll(c.dir)
}

// removeCgroups removes the container's cgroups, the deepest first.
func removeCgroups(name string) {
	for _, mount := range hierarchies() {
		var dirs []string
		_ = filepath.WalkDir(filepath.Join(mount, name), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			_ = os.Remove(dir)
		}
	}
}

// hierarchies are the mount points of the cgroup trees that systemd uses.
func hierarchies() []string {
	mounts, _ := os.ReadFile("/proc/mounts")
	var points []string
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) > 3 && (f[2] == "cgroup2" || strings.Contains(f[3], "name=systemd")) {
			points = append(points, f[1])
		}
	}
	return points
}
