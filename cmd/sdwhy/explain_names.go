package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"

	"sdwhy/journal"
)

// nameable: systemd's names have no control characters and at most 255 bytes.
func nameable(name string) bool {
	return name != "" && len(name) <= 255 && strings.IndexFunc(name, unprintable) < 0 && (name[0] == '/' || !strings.Contains(name, " "))
}

// pattern makes what was typed a unit's name, or a glob where it may fit several:
// nginx is nginx.service, /home the mount there, getty@ all of a template's instances.
func pattern(typed string) string {
	switch {
	case strings.HasPrefix(typed, "/dev/"):
		return unit.UnitNamePathEscape(typed) + ".device"
	case strings.HasPrefix(typed, "/"):
		return unit.UnitNamePathEscape(typed) + ".mount"
	}
	if !strings.ContainsAny(typed, globMeta) && !hasType(typed) {
		typed += ".service"
	}
	if at := strings.Index(typed, "@."); at >= 0 && !strings.ContainsAny(typed, globMeta) {
		return typed[:at+1] + "*" + typed[at+1:]
	}
	return typed
}

// named gives the names of the units that were typed. A glob is one of the names
// that the journal's index knows.
func (h *historian) named(ctx context.Context) ([]string, error) {
	var names []string
	for _, typed := range h.ask.units {
		p := pattern(typed)
		if !strings.ContainsAny(p, globMeta) {
			names = append(names, p)
			continue
		}
		fits, err := glob(p)
		if err != nil {
			return nil, usagef(`a glob looks like "nginx*"`, "bad glob %q: %v", typed, err)
		}
		found, err := h.fitting(ctx, fits)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, h.unknownUnit(ctx, typed)
		}
		names = append(names, found...)
	}
	return uniqueSorted(names), nil
}

func (h *historian) fitting(ctx context.Context, fits *regexp.Regexp) (found []string, err error) {
	known, err := h.known(ctx)
	for _, u := range known {
		if fits.MatchString(u) {
			found = append(found, u)
		}
	}
	return found, err
}

// known are the units that the journal knows.
func (h *historian) known(ctx context.Context) ([]string, error) {
	names, err := journal.Units(ctx, h.ask.where)
	if err != nil {
		return nil, fmt.Errorf("cannot list the units: %w", err)
	}
	return names, nil
}

// unknownUnit says that the journal has no such unit, and which is alike.
func (h *historian) unknownUnit(ctx context.Context, typed string) error {
	err := fmt.Errorf("%w: %s", errNoSuchUnit, typed)
	known, _ := h.known(ctx)
	if near := closest(pattern(typed), known); near != "" {
		return &hintError{err, fmt.Sprintf("did you mean %s?", near)}
	}
	return &hintError{err, "it never ran while this journal was written, or its entries are gone; sdwhy explain '*' tells of all that are there"}
}

// isBootID: 32 hex digits.
func isBootID(text string) bool {
	return len(text) == 32 && strings.Trim(text, "0123456789abcdefABCDEF") == ""
}

// bootID is the id of the boot that was typed: an id, or a number counted as
// journalctl counts: 0 the newest, -1 the one before, 1 the oldest.
func (h *historian) bootID(ctx context.Context) (string, error) {
	typed := strings.ReplaceAll(h.ask.boot, "-", "")
	if isBootID(typed) {
		return strings.ToLower(typed), nil
	}
	n, err := strconv.Atoi(h.ask.boot)
	if err != nil {
		return "", usagef("0 is the newest boot, -1 the one before; journalctl --list-boots lists them", "%q is no boot", h.ask.boot)
	}
	boots, err := journal.Boots(ctx, h.ask.where)
	if err != nil {
		return "", fmt.Errorf("cannot list the boots: %w", err)
	}
	at := len(boots) - 1 + n
	if n > 0 {
		at = n - 1
	}
	if at < 0 || at >= len(boots) {
		return "", &hintError{fmt.Errorf("the journal has no boot %d, it knows %d", n, len(boots)), "journalctl --list-boots lists them"}
	}
	return boots[at].ID, nil
}

// globFiles expands one --file, which must fit a file.
func globFiles(pattern string) ([]string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil, usagef("a glob looks like 'system*.journal'", "bad glob %q in --file", pattern)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no such file: %s", pattern)
	}
	return found, nil
}
