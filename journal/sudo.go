package journal

import (
	"maps"
	"path"
	"slices"
	"strings"

	"sdwhy/enrich"
)

// askers are the commands through which a person asks systemd for jobs, by
// themselves or through maintainer scripts.
var askers = []string{
	"systemctl", "systemd-run", "loginctl", "busctl", "service", "invoke-rc.d", "deb-systemd-invoke", "rc-service",
	"reboot", "poweroff", "halt", "shutdown", "init", "telinit",
	"apt", "apt-get", "aptitude", "dpkg", "rpm", "dnf", "yum", "zypper", "pacman", "needrestart", "unattended-upgrade",
}

// sudoLine is sudo's "alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/systemctl
// restart x". A process can name itself "sudo", but its _EXE is the kernel's word. Refused
// attempts put a sentence before TTY= and are left out: nothing was run.
func sudoLine(e *enrich.Entry, r *record) bool {
	if !trustedSudo(r.fields[fExe]) {
		return false
	}
	who, rest, ok := strings.Cut(strings.TrimSpace(r.fields[fMessage]), " : ")
	before, command, found := strings.Cut(rest, "COMMAND=")
	if !ok || !found || !allKeys(before) || !asks(command) {
		return false
	}
	e.Source, e.Message = enrich.SourceSudo, clip(mask(strings.TrimSpace(r.fields[fMessage])), maxString)
	e.Fields = pairs(before, " ; ", "TTY", "PWD", "USER")
	e.Fields["BY"], e.Fields["COMMAND"] = clip(who, maxString), clip(mask(command), maxString)
	maps.Copy(e.Fields, pick(r, fUID, fLoginUID))
	return true
}

func trustedSudo(exe string) bool {
	base := path.Base(exe)
	return (base == "sudo" || base == "sudo-rs") &&
		(strings.HasPrefix(exe, "/usr/") || strings.HasPrefix(exe, "/bin/"))
}

// allKeys says whether the parts are all KEY=value.
func allKeys(parts string) bool {
	for part := range strings.SplitSeq(strings.TrimSuffix(parts, " ; "), " ; ") {
		key, _, ok := strings.Cut(part, "=")
		if !ok || key == "" || strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
			return false
		}
	}
	return true
}

// asks says whether some word of the command is one of the askers.
func asks(command string) bool {
	return slices.ContainsFunc(strings.Fields(command), func(word string) bool {
		return slices.Contains(askers, path.Base(strings.Trim(word, `"'();&|`)))
	})
}
