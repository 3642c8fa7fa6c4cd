package watcher

import "strings"

// cgroupPath picks systemd's path from /proc/PID/cgroup: that of cgroup v2, unless only
// the hierarchy name=systemd of cgroup v1 names a unit. (A container on v2 inside a
// host on v1 shows both, and only v2's is the container's.)
func cgroupPath(b []byte) string {
	unified, legacy := "", ""
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		switch {
		case len(f) < 3:
		case f[1] == "name=systemd":
			legacy = f[2]
		case f[1] == "":
			unified = f[2]
		}
	}
	if legacy != "" && (unified == "" || cgroupUnit(unified) == "" && cgroupUnit(legacy) != "") {
		return legacy
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
