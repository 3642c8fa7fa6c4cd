package watcher

import "strings"

const (
	busName   = "org.freedesktop.systemd1"
	busPath   = "/org/freedesktop/systemd1"
	unitPath  = busPath + "/unit/"
	jobPath   = busPath + "/job/"
	manager   = busName + ".Manager"
	unitIface = busName + ".Unit"
	jobIface  = busName + ".Job"
	propsName = "org.freedesktop.DBus.Properties"
)

// unitOf gives the unit that an object path names, "" where it names none.
func unitOf(path string) string {
	label, ok := strings.CutPrefix(path, unitPath)
	if !ok {
		return ""
	}
	return unescapeLabel(label)
}

// unescapeLabel undoes sd-bus' bus_label_escape: _xx is a byte in hex, a lone _ is
// the empty string (systemd src/basic/bus-label.c).
func unescapeLabel(label string) string {
	if label == "_" {
		return ""
	}
	if strings.IndexByte(label, '_') < 0 {
		return strings.Clone(label)
	}
	out := make([]byte, 0, len(label))
	for i := 0; i < len(label); i++ {
		if label[i] == '_' && i+2 < len(label) {
			hi, lo := unhex(label[i+1]), unhex(label[i+2])
			if hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, label[i])
	}
	return string(out)
}

// escapeLabel is bus_label_escape: everything but letters and digits, and a digit in
// front, becomes _xx.
func escapeLabel(name string) string {
	if name == "" {
		return "_"
	}
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(name))
	for i := 0; i < len(name); i++ {
		c := name[i]
		if isLetter(c) || i > 0 && isDigit(c) {
			out = append(out, c)
		} else {
			out = append(out, '_', digits[c>>4], digits[c&15])
		}
	}
	return string(out)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

func unhex(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
