package integration

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// absent marks a want that must not be met: {"$absent": true, "unit": …}.
const absent = "$absent"

// Leeway loosens Compare.
type Leeway struct {
	Extra bool // events beyond those wanted are fine
	Order bool // so is any order
}

// Compare says in what events differ from what is wanted; nothing means that they
// agree. Order counts within a unit only, since systemd orders nothing across units.
func Compare(want, got []map[string]any, leeway Leeway) []string {
	var faults []string
	left := append([]map[string]any(nil), got...)
	last := map[string]int{} // by wanted unit: where in got its last event was
	for _, w := range want {
		if w[absent] != nil {
			continue
		}
		at := find(w, left, last)
		if at < 0 {
			faults = append(faults, fmt.Sprintf("missing: %s\n%s", show(w), nearest(w, left)))
			continue
		}
		if !leeway.Order {
			last[fmt.Sprint(w["unit"])] = at
		}
		left[at] = nil
	}
	for _, g := range left {
		if g != nil && (!leeway.Extra || forbidden(want, g)) {
			faults = append(faults, "unwanted: "+show(g))
		}
	}
	return faults
}

// find gives the first event after the wanted unit's last one that w matches; -1 for none.
func find(w map[string]any, events []map[string]any, last map[string]int) int {
	from := 0
	if at, ok := last[fmt.Sprint(w["unit"])]; ok {
		from = at + 1
	}
	for i := from; i < len(events); i++ {
		if events[i] != nil && len(diff("", w, events[i])) == 0 {
			return i
		}
	}
	return -1
}

// nearest says how the events of the wanted unit differ.
func nearest(w map[string]any, events []map[string]any) string {
	var b strings.Builder
	for _, g := range events {
		if g != nil && len(diff("unit", w["unit"], g["unit"])) == 0 {
			fmt.Fprintf(&b, "    got %v %v: %s\n", g["action"], g["unit"], strings.Join(diff("", w, g), ", "))
		}
	}
	return b.String()
}

func forbidden(want []map[string]any, event map[string]any) bool {
	for _, w := range want {
		if w[absent] != nil && len(diff("", w, event)) == 0 {
			return true
		}
	}
	return false
}

// diff lists where got does not meet want. An object is met by one with more fields, a
// list by one that holds a match for each member, "~…" by a string that the regular
// expression matches, "#" by any number, null by an absent field. A field whose name
// begins with "?" may also be absent if it is named in missing.
func diff(path string, want, got any) []string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fault(path, want, got)
		}
		var faults []string
		for key, value := range w {
			if name, ok := strings.CutPrefix(key, "?"); ok {
				if g[name] == nil && (holds(list(g["missing"]), name) || holds(list(g["forgiven"]), name)) {
					continue
				}
				key = name
			}
			if key != absent {
				faults = append(faults, diff(strings.TrimPrefix(path+"."+key, "."), value, g[key])...)
			}
		}
		return faults
	case []any:
		var faults []string
		for _, value := range w {
			if !holds(list(got), value) {
				faults = append(faults, fault(path, value, got)...)
			}
		}
		return faults
	case string:
		if _, number := got.(float64); w == "#" && number {
			return nil
		}
		if expr, ok := strings.CutPrefix(w, "~"); ok {
			g, isString := got.(string)
			if re, err := regexp.Compile(expr); err != nil || !isString || !re.MatchString(g) {
				return fault(path, want, got)
			}
			return nil
		}
	}
	if !reflect.DeepEqual(want, got) {
		return fault(path, want, got)
	}
	return nil
}

func holds(list []any, want any) bool {
	for _, member := range list {
		if len(diff("", want, member)) == 0 {
			return true
		}
	}
	return false
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func fault(path string, want, got any) []string {
	return []string{fmt.Sprintf("%s is %s, want %s", path, show(got), show(want))}
}

// soon is a job so short, in seconds, that its client may be gone before /proc is looked
// at: systemctl is gone a millisecond after its job.
const soon = 0.02

// forgive takes "requester" and "state" out of what is missing where the job was too short
// for its client to be caught, or for its new unit's state to be flushed. The verdict is compared all the same, and TestRequester counts
// how often it happens.
func forgive(events []map[string]any) []map[string]any {
	out := make([]map[string]any, len(events))
	for i, e := range events {
		out[i] = e
		job, _ := e["job"].(map[string]any)
		took, ok := job["duration_s"].(float64)
		missing, _ := e["missing"].([]any)
		other := slices.ContainsFunc(missing, func(m any) bool { return m != "requester" && m != "state" })
		if ok && took < soon && len(missing) > 0 && !other {
			out[i] = maps.Clone(e)
			out[i]["forgiven"] = missing
			delete(out[i], "missing")
		}
	}
	return out
}
