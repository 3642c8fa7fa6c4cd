package watcher

import (
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

const maxUnitName = 255 // UNIT_NAME_MAX, systemd src/basic/unit-name.h

// unitType gives a valid unit name's type, without the dot; "" where it is not valid
// (systemd src/basic/unit-name.c unit_name_is_valid, templates and instances included).
func unitType(name string) string {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 || name[0] == '@' || len(name) > maxUnitName {
		return ""
	}
	for i := 0; i < dot; i++ {
		if !validInName(name[i]) {
			return ""
		}
	}
	switch t := name[dot+1:]; t {
	case "service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope":
		return t
	}
	return ""
}

func validInName(c byte) bool {
	return isLetter(c) || isDigit(c) || strings.IndexByte(`:-_.\@`, c) >= 0
}

func isGlob(s string) bool { return strings.ContainsAny(s, "*?[") }

// mangle makes a unit name of what was given to systemctl, as systemctl does (systemd
// src/basic/unit-name.c unit_name_mangle_with_suffix): "nginx" is nginx.service, a path is
// the device or mount there, a glob stays. It gives "" for what cannot be one.
func mangle(name, suffix string) string {
	switch {
	case name == "" || len(name) > maxUnitName:
		return ""
	case unitType(name) != "", isGlob(name) && globOnly(name):
		return name
	case name[0] == '/':
		return fromPath(name)
	}
	name = escapeMangle(name)
	if isGlob(name) || unitType(name) != "" {
		return name
	}
	return name + suffix
}

func globOnly(s string) bool {
	for i := 0; i < len(s); i++ {
		if !validInGlob(s[i]) {
			return false
		}
	}
	return true
}

func validInGlob(c byte) bool { return validInName(c) || strings.IndexByte("[]!*?", c) >= 0 }

func fromPath(path string) string {
	suffix := ".mount"
	if strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/sys/") {
		suffix = ".device"
	}
	return unit.UnitNamePathEscape(path) + suffix
}

// escapeMangle is do_escape_mangle: "/" becomes "-", what is not allowed \xXX.
func escapeMangle(s string) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '/':
			out.WriteByte('-')
		case validInName(c), isGlob(s) && validInGlob(c):
			out.WriteByte(c)
		default:
			out.WriteString(`\x`)
			out.WriteByte(digits[c>>4])
			out.WriteByte(digits[c&15])
		}
	}
	return out.String()
}
