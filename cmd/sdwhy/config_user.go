package main

import (
	"cmp"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/spf13/pflag"

	"sdwhy/riemann"
)

// ofUser says whether flags or environment ask for the user's own manager. The settings of
// the machine are not that one's: other units, and keys that the user may not read.
func ofUser(flags *pflag.FlagSet, env func(string) string) bool {
	text := env("SDWHY_USER")
	if f := flags.Lookup("user"); f != nil && f.Changed {
		text = f.Value.String()
	}
	yes, err := strconv.ParseBool(text)
	return yes && err == nil // what is no boolean is an error later on
}

// userConfig is the file that is read for a user's manager, where it exists.
func userConfig(env func(string) string) string {
	return filepath.Join(cmp.Or(env("XDG_CONFIG_HOME"), filepath.Join(env("HOME"), ".config")), "sdwhy", "sdwhy.toml")
}

// userPrefix keeps the services of a user's units apart from the machine's: both have a
// dbus.service, and Riemann knows one of each host.
func userPrefix() string { return "systemd/" + userName() + "/" }

// heartbeatService likewise: a user's sdwhy must not stand in for one that is gone.
func (c *Config) heartbeatService() string {
	if c.User {
		return riemann.HeartbeatService + "/" + userName()
	}
	return riemann.HeartbeatService
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}
