package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// rangeEnd is the time, µs since the epoch, that --since or --until means; 0 when not given.
func rangeEnd(flag, text string, now time.Time) (int64, error) {
	if text == "" {
		return 0, nil
	}
	t, err := parseTime(text, now)
	if err != nil {
		return 0, usagef(`times look like yesterday, -2h, 02:14, "2026-11-22 02:00" or @1795312800`, "--%s: %v", flag, err)
	}
	return t.UnixMicro(), nil
}

// parseTime reads the forms of systemd.time(7) that journalctl takes: now, today,
// yesterday, tomorrow; -2h, "2 hours ago", +5min; @SECONDS; dates and times, which are
// local unless they end in UTC or an offset. A day of the week before a date must fit it.
func parseTime(text string, now time.Time) (time.Time, error) {
	s := strings.TrimSpace(text)
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch strings.ToLower(s) {
	case "now":
		return now, nil
	case "today":
		return midnight, nil
	case "yesterday":
		return midnight.AddDate(0, 0, -1), nil
	case "tomorrow":
		return midnight.AddDate(0, 0, 1), nil
	}
	if t, ok, err := relativeTime(s, now); ok {
		return t, err
	}
	if rest, ok := strings.CutPrefix(s, "@"); ok {
		return epochTime(rest)
	}
	return calendarTime(s, now)
}

// relativeTime reads -2h, +5min and "2 hours ago".
func relativeTime(s string, now time.Time) (t time.Time, ok bool, err error) {
	sign, rest := time.Duration(0), s
	switch {
	case strings.HasPrefix(s, "-"):
		sign, rest = -1, s[1:]
	case strings.HasPrefix(s, "+"):
		sign, rest = 1, s[1:]
	case strings.HasSuffix(s, " ago"):
		sign, rest = -1, strings.TrimSuffix(s, " ago")
	case strings.HasSuffix(s, " left"):
		sign, rest = 1, strings.TrimSuffix(s, " left")
	default:
		return t, false, nil
	}
	d, err := parseSpan(rest)
	return now.Add(sign * d), true, err
}

// spanUnits are systemd's units of time (systemd src/basic/time-util.c, extract_multiplier).
var spanUnits = map[string]time.Duration{}

func init() {
	for names, d := range map[string]time.Duration{
		"us usec µs μs":        time.Microsecond,
		"ms msec":              time.Millisecond,
		"s sec second seconds": time.Second,
		"m min minute minutes": time.Minute,
		"h hr hour hours":      time.Hour,
		"d day days":           24 * time.Hour,
		"w week weeks":         7 * 24 * time.Hour,
		"M month months":       30*24*time.Hour + 10*time.Hour + 30*time.Minute, // 30.4375 days
		"y year years":         365*24*time.Hour + 6*time.Hour,
	} {
		for _, n := range strings.Fields(names) {
			spanUnits[n] = d
		}
	}
}

// maxSpan bounds a span, well inside time.Duration.
const maxSpan = 200 * 365 * 24 * time.Hour

// parseSpan reads "2h", "1h 30min", "90" (seconds).
func parseSpan(s string) (time.Duration, error) {
	var sum float64
	rest := strings.TrimSpace(s)
	if rest == "" {
		return 0, fmt.Errorf("%q is no span of time", s)
	}
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		n, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is no span of time", s)
		}
		rest = strings.TrimLeft(rest[digits:], " ")
		end := strings.IndexAny(rest, "0123456789. ")
		if end < 0 {
			end = len(rest)
		}
		unit := time.Second
		if end > 0 {
			var ok bool
			if unit, ok = spanUnits[rest[:end]]; !ok {
				return 0, fmt.Errorf("%q is no unit of time", rest[:end])
			}
		}
		rest = strings.TrimLeft(rest[end:], " ")
		if sum += n * float64(unit); sum > float64(maxSpan) {
			return 0, fmt.Errorf("%q is out of range", s)
		}
	}
	return time.Duration(sum), nil
}

// epochTime reads seconds since the epoch, with a fraction or not.
func epochTime(s string) (time.Time, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 0 && n < 1e11) {
		return time.Time{}, fmt.Errorf("%q is no number of seconds", "@"+s)
	}
	whole, fraction, _ := strings.Cut(s, ".")
	secs, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.UnixMicro(int64(n * 1e6)), nil
	}
	micros, _ := strconv.ParseInt((fraction + "000000")[:6], 10, 64)
	return time.UnixMicro(secs*1e6 + micros), nil
}

var (
	dateLayouts  = []string{"2006-01-02", "06-01-02", "2006/01/02"}
	clockLayouts = []string{"15:04:05.999999", "15:04:05", "15:04"}
)

// calendarTime reads a date, a time of today, or both, with a zone or not.
func calendarTime(s string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -07:00", "2006-01-02 15:04:05 -0700"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	zone, rest := now.Location(), s
	if day, after, ok := strings.Cut(rest, " "); ok && isWeekday(day) {
		rest = after
	}
	if before, name, ok := cutLast(rest, " "); ok && strings.ToUpper(name) == "UTC" {
		zone, rest = time.UTC, before
	} else if ok && strings.Contains(name, "/") && !strings.ContainsAny(name, "0123456789.") {
		loc, err := time.LoadLocation(name)
		if err != nil {
			return time.Time{}, fmt.Errorf("time zone %q is not known", name)
		}
		zone, rest = loc, before
	}
	t, ok := dateAndClock(rest, now.In(zone), zone)
	if !ok {
		return time.Time{}, fmt.Errorf("%q is no time", s)
	}
	if day, _, cut := strings.Cut(s, " "); cut && isWeekday(day) && !strings.EqualFold(day[:3], t.Weekday().String()[:3]) {
		return time.Time{}, fmt.Errorf("%s is no %s", t.Format("2006-01-02"), day)
	}
	return t, nil
}

func dateAndClock(s string, now time.Time, zone *time.Location) (time.Time, bool) {
	for _, clock := range clockLayouts {
		if t, err := time.ParseInLocation(clock, s, zone); err == nil {
			return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone), true
		}
	}
	for _, date := range dateLayouts {
		if t, err := time.ParseInLocation(date, s, zone); err == nil {
			return t, true
		}
		for _, clock := range clockLayouts {
			if t, err := time.ParseInLocation(date+" "+clock, s, zone); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

func isWeekday(s string) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(s, d.String()) || strings.EqualFold(s, d.String()[:3]) {
			return true
		}
	}
	return false
}

// cutLast cuts s at the last separator.
func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}
