package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// seconds is a duration that is given as a number of seconds, as riemann-tools
// does, or with units: 90, 1.5, "90s", "1h".
type seconds time.Duration

func (s *seconds) Set(text string) error {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return s.set(n)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is no time: give seconds or a number with a unit, such as 90 or 1h", text)
	}
	*s = seconds(d)
	return nil
}

func (s *seconds) set(n float64) error {
	if !(n >= 0 && n <= 1e9) {
		return fmt.Errorf("%v seconds is out of range", n)
	}
	*s = seconds(n * float64(time.Second))
	return nil
}

func (s *seconds) String() string { return time.Duration(*s).String() }

// Type is what help shows for the value.
func (s *seconds) Type() string { return "seconds" }

// UnmarshalTOML takes a number or a string.
func (s *seconds) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case int64:
		return s.set(float64(v))
	case float64:
		return s.set(v)
	case string:
		return s.Set(v)
	default:
		return fmt.Errorf("%v is no time", v)
	}
}

// attributes are names with values, added one at a time as name=value.
type attributes map[string]string

func (a *attributes) Set(text string) error {
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return fmt.Errorf("%q is not name=value", pair)
		}
		if *a == nil {
			*a = attributes{}
		}
		(*a)[name] = value
	}
	return nil
}

func (a *attributes) String() string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(*a)) {
		pairs = append(pairs, name+"="+(*a)[name])
	}
	return strings.Join(pairs, ",")
}

// Type is what help shows for the value.
func (a *attributes) Type() string { return "name=value" }

// reserved are the fields of a Riemann event. An attribute of that name overwrites the
// field or is dropped (Riemann's codec).
var reserved = []string{"host", "service", "state", "description", "time", "tags", "ttl", "metric"}

func (a *attributes) check() error {
	for _, name := range slices.Sorted(maps.Keys(*a)) {
		if slices.Contains(reserved, name) {
			return usagef("choose another name; "+strings.Join(reserved, ", ")+" are Riemann's own", "attribute %q is a field of Riemann's", name)
		}
	}
	return nil
}
