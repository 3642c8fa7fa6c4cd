package watcher

import "strings"

// A grammar is what a program's options look like to getopt_long.
type grammar struct {
	short string   // letters of short options that take an argument
	long  []string // long options that take one
	stop  bool     // options end at the first word ("+" in getopt's string)
}

// systemctlOptions are the options of systemctl that take an argument (systemd 252 to 257
// src/systemctl/systemctl.c; loginctl's and machinectl's are no others that matter).
func systemctlOptions() grammar {
	return grammar{short: "tpPsHMnoC", long: []string{
		"type", "property", "signal", "kill-who", "kill-whom", "kill-value", "kill-subgroup", "host",
		"machine", "lines", "output", "state", "job-mode", "root", "image", "image-policy", "preset-mode",
		"boot-loader-menu", "boot-loader-entry", "what", "reboot-argument", "timestamp", "legend",
		"check-inhibitors", "drop-in", "when", "capsule", "message", "setenv", "max-addresses", "uid",
	}}
}

// runOptions are those of systemd-run and systemd-mount (src/run/run.c, src/mount/mount-tool.c).
func runOptions() grammar {
	return grammar{short: "HMupESCDt", stop: true, long: []string{
		"host", "machine", "unit", "property", "description", "slice", "service-type", "uid", "gid", "nice",
		"working-directory", "setenv", "on-active", "on-boot", "on-startup", "on-unit-active",
		"on-unit-inactive", "on-calendar", "on-timezone-change", "timer-property", "path-property",
		"socket-property", "background", "job-mode", "capsule", "user", "group", "chdir", "type", "options", "owner",
		"automount-property", "timeout-idle-sec", "json", "empower", "lightweight", "area",
	}}
}

// An option is one with its argument.
type option struct{ name, value string }

// split sorts arguments into options and words as getopt_long does: options may be
// anywhere, "--" ends them, short ones may be joined, an argument may be joined or next.
func (g grammar) split(args []string) (options []option, words []string) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			return options, append(words, args[i+1:]...)
		case strings.HasPrefix(a, "--"):
			name, value, joined := strings.Cut(a[2:], "=")
			if !joined && g.takes(name) && i+1 < len(args) {
				i++
				value = args[i]
			}
			options = append(options, option{g.full(name), value})
		case len(a) > 1 && a[0] == '-':
			o, next := g.letters(a[1:])
			if next && i+1 < len(args) {
				i++
				o[len(o)-1].value = args[i]
			}
			options = append(options, o...)
		case g.stop:
			return options, args[i:]
		default:
			words = append(words, a)
		}
	}
	return options, words
}

// letters reads joined short options; next says that the last one's argument follows.
func (g grammar) letters(s string) (options []option, next bool) {
	for i := 0; i < len(s); i++ {
		o := option{name: s[i : i+1]}
		if strings.IndexByte(g.short, s[i]) >= 0 {
			o.value = s[i+1:]
			return append(options, o), o.value == ""
		}
		options = append(options, o)
	}
	return options, false
}

// takes says whether a long option, which may be abbreviated, takes an argument.
func (g grammar) takes(name string) bool {
	for _, l := range g.long {
		if l == name {
			return true
		}
	}
	return g.full(name) != name
}

// full completes an abbreviated option, where one option that takes an argument begins like it and
// it is long enough not to be another.
func (g grammar) full(name string) string {
	found := ""
	for _, l := range g.long {
		if l == name {
			return name
		}
		if len(name) >= 3 && strings.HasPrefix(l, name) {
			if found != "" {
				return name
			}
			found = l
		}
	}
	if found == "" || plain(name) {
		return name
	}
	return found
}

// plain says whether a name is that of an option without an argument which is the beginning of
// another's.
func plain(name string) bool { return name == "user" || name == "what" || name == "no" }

// parseSystemctl reads systemctl's arguments.
func parseSystemctl(args []string) (ask, bool) {
	options, words := systemctlOptions().split(args)
	var a ask
	for _, o := range options {
		switch o.name {
		case "user", "global":
			a.user = true
		case "H", "host", "C", "capsule", "root", "image":
			return ask{}, false
		case "M", "machine":
			who, machine, at := strings.Cut(o.value, "@")
			if machine != ".host" && machine != "" || !at && who != ".host" {
				return ask{}, false
			}
			if at {
				a.who = who
			}
		case "h", "help", "version":
			return ask{}, false
		}
	}
	if len(words) == 0 || isQuery(words[0]) {
		return ask{}, false
	}
	a.verb = words[0]
	a.units = unitsOf(a.verb, words[1:])
	return a, true
}

// unitsOf gives the units among a verb's arguments.
func unitsOf(verb string, args []string) []string {
	switch verb {
	case "isolate", "set-default":
		return mangleAll(args, ".target")
	case "set-property", "bind", "mount-image", "service-log-level", "service-log-target", "add-wants", "add-requires":
		if len(args) > 0 {
			args = args[:1]
		}
	case "cancel", "set-environment", "unset-environment", "import-environment", "switch-root",
		"terminate-session", "terminate-user", "terminate-seat", "kill-session", "kill-user":
		return nil
	}
	return mangleAll(args, ".service")
}

// parseRun reads the arguments of systemd-run and its kin. The unit that it makes is named, or
// begins with "run-".
func parseRun(name string, args []string) (ask, bool) {
	options, words := runOptions().split(args)
	a := ask{verb: "run"}
	unit, scope := "", false
	var timer string
	for _, o := range options {
		switch {
		case o.name == "user" && name != "run0":
			a.user = true
		case o.name == "unit" || o.name == "u":
			unit = o.value
		case o.name == "scope":
			scope = true
		case strings.HasPrefix(o.name, "on-"):
			timer = ".timer"
		case o.name == "path-property":
			timer = ".path"
		case o.name == "socket-property":
			timer = ".socket"
		case o.name == "H" || o.name == "host" || o.name == "M" || o.name == "machine" || o.name == "C" || o.name == "capsule":
			return ask{}, false
		}
	}
	a.units = runUnits(name, unit, timer, scope, words)
	return a, true
}

func runUnits(name, unit, trigger string, scope bool, words []string) []string {
	suffix := ".service"
	if scope {
		suffix = ".scope"
	}
	switch {
	case strings.HasPrefix(name, "systemd-"+"mount"), name == "systemd-umount":
		return mangleAll(words, ".mount")
	case unit == "" && trigger == "":
		return []string{"run-*" + suffix}
	case unit == "":
		return []string{"run-*" + trigger}
	}
	named := mangle(unit, suffix)
	if trigger != "" {
		named = strings.TrimSuffix(named, suffix) + trigger
	}
	return []string{named}
}
