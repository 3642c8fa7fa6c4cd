package enrich

import "strings"

// inService: the client runs inside another service, and not in a person's session. To
// PID 1 all that a user's manager runs is the user's session; to that manager its services
// are services.
func (c *Correlator) inService(cl *Client) bool {
	if kind(cl.Unit) != "service" || strings.HasPrefix(cl.Unit, "user@") {
		return false
	}
	if strings.Contains(cl.Cgroup, "/user@") {
		return c.host.User() && !desktop(cl.Unit)
	}
	return !interactive(cl)
}

// desktop knows the user services in which people work: what a desktop starts for them is
// named app-…, and dbus-… where the bus does (systemd.io/DESKTOP_ENVIRONMENTS); shells and
// terminals have names of their own.
func desktop(unit string) bool {
	name, _, _ := strings.Cut(stem(unit), "@")
	switch name {
	case "tmux", "screen", "zellij", "emacs", "gnome-terminal-server", "foot-server", "kitty", "wezterm-mux-server", "code-server", "code-tunnel":
		return true
	}
	for _, prefix := range []string{"app-", "dbus-", "org.gnome.", "plasma-"} {
		if strings.HasPrefix(unit, prefix) {
			return true
		}
	}
	return false
}

// interactive: on a machine without logind a person's shell stays in the cgroup of
// the service that let them in.
func interactive(cl *Client) bool {
	name, _, _ := strings.Cut(stem(cl.Unit), "@")
	switch name {
	case "ssh", "sshd", "getty", "serial-getty", "console-getty", "container-getty", "container-shell", "debug-shell",
		"emergency", "rescue", "dropbear", "telnet", "mosh", "display-manager", "gdm", "sddm", "lightdm", "xrdp", "cockpit-session":
		return true
	}
	return false
}
