package integration

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A Suite is a Debian release and the systemd version that it ships.
type Suite struct {
	Name    string // such as "trixie"
	Version int    // such as 257
}

// Suites are the releases on which everything is proven, oldest first.
func Suites() []Suite {
	return []Suite{{"bookworm", 252}, {"trixie", 257}, {"sid", 262}}
}

// packages is what a container needs besides debootstrap's minbase: setfattr marks
// oomd kills, libpam-systemd makes login sessions, sudo logs who asked.
const packages = "attr,dbus,dbus-user-session,libpam-systemd,procps,sudo,systemd,systemd-sysv"

// Rootfs returns a clean root filesystem of a suite, made by debootstrap on first
// use. It lives in $SDWHY_CACHE (default /var/cache/sdwhy/rootfs) under a name that
// changes with the list of packages. Nothing may be written into it.
func Rootfs(ctx context.Context, suite Suite) (string, error) {
	cache := os.Getenv("SDWHY_CACHE")
	if cache == "" {
		cache = "/var/cache/sdwhy/rootfs"
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("failed to make the cache of root filesystems: %w; set SDWHY_CACHE to a writable folder", err)
	}
	dir := filepath.Join(cache, fmt.Sprintf("%s-%x", suite.Name, sha256.Sum256([]byte(packages)))[:len(suite.Name)+9])
	unlock, err := lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, debootstrap(ctx, suite.Name, dir)
}

// debootstrap fills dir, which appears only when it is whole.
func debootstrap(ctx context.Context, suite, dir string) error {
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return fmt.Errorf("failed to clear %s: %w", partial, err)
	}
	args := []string{"--variant=minbase", "--include=" + packages, suite, partial}
	if mirror := os.Getenv("SDWHY_MIRROR"); mirror != "" {
		args = append(args, mirror)
	}
	out, err := exec.CommandContext(ctx, "debootstrap", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("failed to debootstrap %s (root, network and the package debootstrap are needed): %w\n%s",
			suite, err, lastLines(string(out), 5))
	}
	return os.Rename(partial, dir)
}

// lock takes an exclusive flock on path and waits for it.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("failed to open lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("failed to lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
