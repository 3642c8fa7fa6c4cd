package riemann

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"

	"sdwhy/enrich"
)

// Bounds of one Riemann event: an alert is not the place for a core dump.
const (
	maxText     = 4096 // bytes of an attribute's value or the description
	maxEvidence = 1024 // bytes of all evidence together
	maxTag      = 256  // bytes of one tag
	maxTags     = 64
)

// DefaultTTL is how long Riemann keeps an event in its index.
const DefaultTTL = time.Hour

// A Mapping is what Convert adds to an event.
type Mapping struct {
	// Prefix stands before the unit's name in the service.
	Prefix string
	// TTL is how long the event lives in Riemann's index; 0 is DefaultTTL.
	TTL time.Duration
	// Tags and Attributes join the event's own; an attribute of the event wins over one here.
	Tags       []string
	Attributes map[string]string
}

// Convert gives the Riemann event for e, as DESIGN.md §3 maps it. An event that is
// already older than the ttl gets a ttl of its age and the ttl, so that it lives
// in the index after it arrives.
func Convert(e enrich.Event, m Mapping, now time.Time) *proto.Event {
	ev := &proto.Event{
		Time:        pb.Int64(e.Time.Time().Unix()),
		TimeMicros:  pb.Int64(int64(e.Time)),
		Service:     pb.String(clean(m.Prefix+e.Unit, maxText)),
		State:       pb.String(string(e.Severity)),
		Description: text(e.Description),
		Host:        text(e.Host),
		Tags:        tags(e.Tags, m.Tags),
		Ttl:         pb.Float32(ttlAt(m.TTL, int64(e.Time), now)),
		MetricD:     metric(e),
		Attributes:  attributes(e, m.Attributes),
	}
	return ev
}

// ttlAt is the ttl, in seconds, of an event of that time (µs since the epoch) sent now.
func ttlAt(ttl time.Duration, micros int64, now time.Time) float32 {
	if ttl <= 0 {
		ttl = DefaultTTL
	}
	if age := now.Sub(time.UnixMicro(micros)); age > ttl {
		ttl += age
	}
	return float32(ttl.Seconds())
}

// metric is a job's duration, or how long the run that ended had lasted, in
// seconds; nil, and so absent on the wire, when unknown.
func metric(e enrich.Event) *float64 {
	v := e.UptimeS
	if e.Action != enrich.ActionExit {
		v = nil
		if e.Job != nil {
			v = e.Job.DurationS
		}
	}
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return nil
	}
	return pb.Float64(*v)
}

func tags(lists ...[]string) []string {
	var out []string
	for _, t := range slices.Concat(lists...) {
		if t = clean(t, maxTag); t != "" && len(out) < maxTags && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// text is a field of the event, absent when empty.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return pb.String(clean(s, maxText))
}

// clean makes s valid UTF-8 without NUL, which C clients would end the string at,
// of at most limit bytes.
func clean(s string, limit int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	if len(s) <= limit {
		return s
	}
	const ellipsis = "…"
	cut := limit - len(ellipsis)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ellipsis
}
