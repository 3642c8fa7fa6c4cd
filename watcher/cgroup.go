package watcher

import "strings"

// cgroupPath picks systemd's path from /proc/PID/cgroup: the hierarchy name=systemd of
// cgroup v1, else that of cgroup v2.
func cgroupPath(b []byte) string {
	unified := ""
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		switch {
		case len(f) < 3:
		case f[1] == "name=systemd":
			return f[2]
		case f[1] == "":
			unified = f[2]
		}
	}
	return unified
}

// cgroupUnit gives the unit of a cgroup path: its deepest part that is the name of a unit
// with processes. A name that the kernel could mistake has a "_" in front (systemd
// src/basic/cgroup-util.c cg_escape).
func cgroupUnit(path string) string {
	unit := ""
	for part := range strings.SplitSeq(path, "/") {
		part = strings.TrimPrefix(part, "_")
		switch unitType(part) {
		case "service", "scope", "socket", "mount", "swap":
			unit = part
		}
	}
	return unit
}
