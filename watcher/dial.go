package watcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/godbus/dbus/v5"
)

// address gives the address of the bus to dial.
func (w *Watcher) address() (string, error) {
	switch {
	case w.Address != "":
		return w.Address, nil
	case !w.User:
		if a := os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"); a != "" {
			return a, nil
		}
		return "unix:path=/run/dbus/system_bus_socket", nil
	case os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "":
		return os.Getenv("DBUS_SESSION_BUS_ADDRESS"), nil
	case os.Getenv("XDG_RUNTIME_DIR") != "":
		return "unix:path=" + os.Getenv("XDG_RUNTIME_DIR") + "/bus", nil
	}
	return "", errors.New("no user bus: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set")
}

// socketOf reads the first unix socket of a D-Bus address (D-Bus specification,
// "Server Addresses"); an abstract one begins with "@", as package net has it.
func socketOf(address string) (string, error) {
	for _, a := range strings.Split(address, ";") {
		args, ok := strings.CutPrefix(a, "unix:")
		if !ok {
			continue
		}
		for _, arg := range strings.Split(args, ",") {
			key, text, _ := strings.Cut(arg, "=")
			path, err := url.PathUnescape(text)
			switch {
			case err != nil:
				return "", fmt.Errorf("dbus address %q: %w", address, err)
			case key == "path" && path != "":
				return path, nil
			case key == "abstract" && path != "":
				return "@" + path, nil
			}
		}
	}
	return "", fmt.Errorf("dbus address %q: only unix:path= and unix:abstract= are supported", address)
}

// dial opens a connection of our own and says hello. It gives up after
// dialTimeout, which godbus by itself never would.
func (w *Watcher) dial(ctx context.Context, to taker, opts ...dbus.ConnOption) (*dbus.Conn, error) {
	address, err := w.address()
	if err != nil {
		return nil, err
	}
	path, err := socketOf(address)
	if err != nil {
		return nil, err
	}
	sock, err := dialSocket(path)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", address, err)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = sock.Close() })
	conn, err := handshake(newFrames(sock, to), opts)
	if !stop() { // sock is closed, or will be
		err = cmp.Or(err, ctx.Err())
	}
	if err != nil {
		_ = sock.Close()
		return nil, fmt.Errorf("greet the bus at %s: %w", address, err)
	}
	return conn, nil
}

func handshake(sock *frames, opts []dbus.ConnOption) (*dbus.Conn, error) {
	conn, err := dbus.NewConn(sock, opts...)
	if err != nil {
		return nil, err
	}
	if err = conn.Auth(nil); err == nil {
		err = conn.Hello()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// hint tells an administrator what to look at.
func (w *Watcher) hint(err error) string {
	switch {
	case w.User && (errors.Is(err, os.ErrNotExist) || errors.Is(err, errRefused)):
		return "does the user's manager run, and its bus? systemctl --user status dbus.socket; loginctl enable-linger keeps it running without a login"
	case errors.Is(err, os.ErrNotExist), errors.Is(err, errRefused):
		return "is dbus running? systemctl status dbus.socket"
	case errors.Is(err, os.ErrPermission):
		return "may this user open the bus socket?"
	case strings.Contains(err.Error(), "authentication"):
		return "can the bus name this uid? a DynamicUser needs libnss-systemd"
	}
	return ""
}
