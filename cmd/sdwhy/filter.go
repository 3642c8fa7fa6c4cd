package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sdwhy/enrich"
)

// unitTypes are systemd's (man systemd.unit); the first seven are shown by default.
var unitTypes = []string{
	"service", "socket", "timer", "path", "mount", "automount", "swap",
	"target", "slice", "scope", "device",
}

const (
	shownByDefault = 7
	allTypes       = "all"
)

// A filter chooses which events are shown and sent. It acts on output only:
// every job is correlated and counted.
type filter struct {
	types            []string // nil is all
	include, exclude []*regexp.Regexp
}

// newFilter checks types and globs. No include glob includes all.
func newFilter(types, include, exclude []string) (*filter, error) {
	f := &filter{types: types}
	known := append(slices.Clone(unitTypes), allTypes)
	for _, t := range types {
		if !slices.Contains(known, t) {
			return nil, usagef(didYouMean(t, known), "unknown unit type %q in --type", t)
		}
	}
	if slices.Contains(types, allTypes) {
		f.types = nil
	}
	var err error
	if f.include, err = globs("include", include); err != nil {
		return nil, err
	}
	f.exclude, err = globs("exclude", exclude)
	return f, err
}

// keep reports whether the event is to be shown and sent.
func (f *filter) keep(e enrich.Event) bool {
	if f.types != nil && !slices.Contains(f.types, e.Unit[strings.LastIndexByte(e.Unit, '.')+1:]) {
		return false
	}
	if len(f.include) > 0 && !matchAny(f.include, e.Unit) {
		return false
	}
	return !matchAny(f.exclude, e.Unit)
}

func matchAny(globs []*regexp.Regexp, unit string) bool {
	return slices.ContainsFunc(globs, func(g *regexp.Regexp) bool { return g.MatchString(unit) })
}

func globs(flag string, patterns []string) ([]*regexp.Regexp, error) {
	var compiled []*regexp.Regexp
	for _, p := range patterns {
		g, err := glob(p)
		if err != nil {
			return nil, usagef(`a glob looks like "nginx*" or "getty@tty[0-9].service"`, "bad glob %q in --%s: %v", p, flag, err)
		}
		compiled = append(compiled, g)
	}
	return compiled, nil
}

const globMeta = "*?["

// glob compiles a pattern as systemctl takes it: fnmatch(3) with FNM_NOESCAPE
// (systemd src/basic/strv.c strv_fnmatch), so a backslash, frequent in escaped
// unit names, is itself. A name without a type and without a wildcard is a service.
func glob(pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, fmt.Errorf("it is empty")
	}
	if !strings.ContainsAny(pattern, globMeta) && !hasType(pattern) {
		pattern += ".service"
	}
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for rest := pattern; rest != ""; {
		switch rest[0] {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '[':
			class, size, err := bracket(rest)
			if err != nil {
				return nil, err
			}
			b.WriteString(class)
			rest = rest[size:]
			continue
		default:
			next := strings.IndexAny(rest, globMeta)
			if next < 0 {
				next = len(rest)
			}
			b.WriteString(regexp.QuoteMeta(rest[:next]))
			rest = rest[next:]
			continue
		}
		rest = rest[1:]
	}
	b.WriteString(`\z`)
	return regexp.Compile(b.String())
}

// bracket turns the bracket expression that s begins with into a class of regexp,
// and says how long it was. A ']' that comes first is a member of the set.
func bracket(s string) (class string, size int, err error) {
	i, negated := 1, ""
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		i, negated = i+1, "^"
	}
	end := strings.IndexByte(s[min(i+1, len(s)):], ']')
	if end < 0 {
		return "", 0, fmt.Errorf("[ without ]")
	}
	end += i + 1
	members := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(s[i:end])
	return "[" + negated + members + "]", end + 1, nil
}

func hasType(unit string) bool {
	return slices.Contains(unitTypes, unit[strings.LastIndexByte(unit, '.')+1:])
}
