package riemann

import (
	"encoding"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"

	"sdwhy/enrich"
)

// Reserved says whether a server would drop an attribute of that name, or overwrite
// the event's own field with it (riemann/codec.clj, decode-pb-event).
func Reserved(name string) bool {
	switch name {
	case "host", "service", "state", "description", "time", "tags", "ttl", "metric":
		return true
	}
	return false
}

// carried are the event's fields that are Riemann fields themselves: severity is the state.
var carried = []string{"host", "time", "description", "tags", "severity"}

// A leaf is one attribute: its name, the way to its value from the event, and how to write it.
type leaf struct {
	name   string
	index  []int
	absent bool // a zero value means absent (omitempty)
	write  func(reflect.Value) string
}

// leaves is computed from the type, so a field added to the event appears by itself. Once,
// when the first event is sent: explain sends none, and is to start fast.
var leaves = sync.OnceValue(func() []leaf { return plan(reflect.TypeFor[enrich.Event](), "", nil) })

// plan walks a struct and names each field after its JSON name.
func plan(t reflect.Type, prefix string, index []int) []leaf {
	var out []leaf
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		at := append(slices.Clone(index), i)
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case prefix == "" && slices.Contains(carried, name):
		case inner.Kind() == reflect.Struct && !isText(inner):
			out = append(out, plan(inner, prefix+name+"_", at)...)
		default:
			absent := strings.Contains(options, "omitempty") || f.Type.Kind() == reflect.Slice
			out = append(out, leaf{attributeName(prefix + name), at, absent, writer(inner, name)})
		}
	}
	return out
}

// attributeName keeps clear of Riemann's own names; id alone would say too little.
func attributeName(name string) string {
	if name == "id" || Reserved(name) {
		return "event_" + name
	}
	return name
}

func isText(t reflect.Type) bool { return t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) }

// writer is how values of type t become text. Lists are joined with a comma, log
// lines with a newline, evidence by what it says.
func writer(t reflect.Type, name string) func(reflect.Value) string {
	switch {
	case t == reflect.TypeFor[[]enrich.Evidence]():
		return says
	case t.Kind() == reflect.Slice && name == "log":
		return func(v reflect.Value) string { return join(v, "\n") }
	case t.Kind() == reflect.Slice:
		return func(v reflect.Value) string { return join(v, ",") }
	}
	return scalar
}

func scalar(v reflect.Value) string {
	if isText(v.Type()) {
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return ""
		}
		return string(text)
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	}
	return ""
}

func join(v reflect.Value, sep string) string {
	parts := make([]string, v.Len())
	for i := range parts {
		parts[i] = scalar(v.Index(i))
	}
	return strings.Join(parts, sep)
}

// says is what the evidence says, in its order.
func says(v reflect.Value) string {
	list := v.Interface().([]enrich.Evidence)
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = e.Source + ": " + e.Says
	}
	return clean(strings.Join(parts, "; "), maxEvidence)
}

// closing is the cursor of the last entry among the evidence: where a person reads on.
func closing(list []enrich.Evidence) string {
	for _, e := range slices.Backward(list) {
		if e.Cursor != "" {
			return e.Cursor
		}
	}
	return ""
}

// attributes are the event's fields, flattened with _, then extra's in the order of their names.
func attributes(e enrich.Event, extra map[string]string) []*proto.Attribute {
	out := make([]*proto.Attribute, 0, 24+len(extra))
	add := func(name, value string) {
		out = append(out, &proto.Attribute{Key: pb.String(name), Value: pb.String(clean(value, maxText))})
	}
	root := reflect.ValueOf(&e).Elem()
	for _, l := range leaves() {
		if value, ok := l.value(root); ok {
			add(l.name, value)
		}
	}
	if c := closing(e.Evidence); c != "" {
		add("evidence_cursor", c)
	}
	own := len(out)
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		named := func(a *proto.Attribute) bool { return a.GetKey() == name }
		if !Reserved(name) && !slices.ContainsFunc(out[:own], named) {
			add(name, extra[name])
		}
	}
	return out
}

// value is the leaf's text, and whether it is there at all.
func (l *leaf) value(v reflect.Value) (string, bool) {
	for _, i := range l.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return "", false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "", false
		}
		return l.write(v.Elem()), true
	}
	if l.absent && (v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0) {
		return "", false
	}
	text := l.write(v)
	return text, text != ""
}
