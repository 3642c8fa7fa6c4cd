package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
)

// userManager names the user manager behind the session bus, "user-UID-PID": its
// journal entries are told from another's by both, and it counts jobs from 1.
func userManager(env func(string) string) (string, error) {
	address := env("DBUS_SESSION_BUS_ADDRESS")
	if address == "" && env("XDG_RUNTIME_DIR") != "" {
		address = "unix:path=" + env("XDG_RUNTIME_DIR") + "/bus"
	}
	if address == "" {
		return "", &hintError{errors.New("cannot find the user's bus"), "set XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS, as a login does"}
	}
	conn, err := dbus.Connect(strings.TrimSpace(address))
	if err != nil {
		return "", &hintError{fmt.Errorf("cannot reach the user's bus at %s: %w", address, err), "is the user logged in, and is dbus-user-session installed?"}
	}
	defer conn.Close()
	var pid uint32
	if err := conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, "org.freedesktop.systemd1").Store(&pid); err != nil {
		return "", &hintError{fmt.Errorf("cannot find the user manager on its bus: %w", err), "is systemd --user running?"}
	}
	return "user-" + strconv.Itoa(os.Getuid()) + "-" + strconv.FormatUint(uint64(pid), 10), nil
}
