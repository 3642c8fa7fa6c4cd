package watcher

import (
	"path"
	"strings"
)

// An ask is what a client's command line asks systemd for.
type ask struct {
	verb  string
	units []string
	user  bool   // of the user manager
	who   string // of that user's, by name or uid; "" for its own
	proxy bool   // a script that runs systemctl
}

// isClient says whether a comm, as the kernel has it (at most 15 bytes, maybe a
// newline), is that of a program that asks systemd for jobs.
func isClient(comm []byte) bool {
	if n := len(comm); n > 0 && comm[n-1] == '\n' {
		comm = comm[:n-1]
	}
	switch string(comm) {
	case "systemctl", "systemd-run", "run0", "systemd-mount", "systemd-umount",
		"reboot", "poweroff", "halt", "shutdown", "init", "telinit",
		"busctl", "gdbus", "dbus-send", "loginctl", "machinectl",
		"service", "invoke-rc.d", "deb-systemd-inv":
		return true
	}
	return false
}

// parseArgs reads a client's command line. It reports false where that asks for nothing:
// a query, another host, a container, a file tree.
func parseArgs(comm string, args []string) (ask, bool) {
	if len(args) == 0 {
		return ask{}, false
	}
	switch comm {
	case "service", "invoke-rc.d", "deb-systemd-inv":
		return parseScript(comm, args)
	}
	name := path.Base(args[0])
	if !isClient([]byte(name)) {
		name = comm
	}
	switch name {
	case "systemctl", "loginctl", "machinectl":
		return parseSystemctl(args[1:])
	case "systemd-run", "run0", "systemd-mount", "systemd-umount":
		return parseRun(name, args[1:])
	case "reboot", "poweroff", "halt", "shutdown", "init", "telinit":
		return ask{verb: shutdownVerb(name, args[1:])}, true
	case "busctl", "gdbus", "dbus-send":
		return parseCall(args[1:])
	}
	return ask{}, false
}

// shutdownVerb gives the systemctl verb of a halt command (systemd
// src/systemctl/systemctl-compat-halt.c, -shutdown.c, -telinit.c).
func shutdownVerb(name string, args []string) string {
	has := func(flags ...string) bool {
		for _, a := range args {
			for _, f := range flags {
				if a == f {
					return true
				}
			}
		}
		return false
	}
	switch {
	case name == "shutdown" && has("-c"), name == "shutdown" && has("-k"):
		return "cancel"
	case has("--halt", "-H"):
		return "halt"
	case has("-p", "--poweroff", "-P", "0"):
		return "poweroff"
	case has("--reboot", "-r", "6"):
		return "reboot"
	case has("1", "s", "S"):
		return "rescue"
	case name == "shutdown":
		return "poweroff"
	}
	return name
}

// parseScript reads what "service NAME VERB", "invoke-rc.d NAME VERB" and
// "deb-systemd-invoke VERB UNIT…" ask for. The interpreter and the script come first.
func parseScript(comm string, args []string) (ask, bool) {
	a := ask{proxy: true}
	var words []string
	for i, w := range args {
		switch {
		case i < 3 && strings.HasPrefix(path.Base(w), comm):
			words = words[:0]
		case w == "--user":
			a.user = true
		case !strings.HasPrefix(w, "-"):
			words = append(words, w)
		}
	}
	if len(words) < 2 {
		return ask{}, false
	}
	if comm == "deb-systemd-inv" {
		a.verb, a.units = words[0], mangleAll(words[1:], ".service")
	} else {
		a.verb, a.units = words[1], mangleAll(words[:1], ".service")
	}
	return a, !isQuery(a.verb)
}

// parseCall reads the arguments of a bus call to systemd: every unit name among them counts.
func parseCall(args []string) (ask, bool) {
	a := ask{verb: "call"}
	systemd, call := false, false
	for _, w := range args {
		switch {
		case w == "--user" || w == "--session":
			a.user = true
		case w == "monitor" || w == "introspect" || w == "tree" || w == "capture":
			return ask{}, false
		case strings.Contains(w, busName):
			systemd = true
		}
		call = call || w == "call" || strings.Contains(w, manager+".")
		w = strings.Trim(strings.TrimPrefix(w, "string:"), `'"`)
		if unitType(w) != "" && !strings.HasPrefix(w, busName) {
			a.units = append(a.units, w)
		}
	}
	return a, systemd && call
}

func mangleAll(names []string, suffix string) []string {
	var out []string
	for _, n := range names {
		if u := mangle(n, suffix); u != "" {
			out = append(out, u)
		}
	}
	return out
}

// isQuery says whether a verb changes nothing.
func isQuery(verb string) bool {
	switch verb {
	case "status", "show", "cat", "whoami", "help", "get-default", "show-environment", "show-user", "show-session",
		"show-seat", "log-level", "log-target", "service-watchdogs", "image-status", "show-image":
		return true
	}
	return strings.HasPrefix(verb, "is-") || strings.HasPrefix(verb, "list") ||
		strings.HasSuffix(verb, "-status")
}
