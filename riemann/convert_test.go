package riemann

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/riemann/riemann-go-client/proto"
	"google.golang.org/protobuf/encoding/protowire"
	pb "google.golang.org/protobuf/proto"

	"sdwhy/enrich"
)

// fillIn sets every field under v to a value that tells it apart, and gives f each value as
// it should appear and the path of JSON names to it.
func fillIn(v reflect.Value, path []string, n *int, f func(path []string, text string)) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			fillIn(v.Field(i), append(slices.Clone(path), name), n, f)
		}
		return
	}
	*n++
	switch {
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprintf("value-%d", *n))
		f(path, v.String())
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
		f(path, "true")
	case v.Type() == reflect.TypeFor[enrich.Stamp]():
		v.SetInt(int64(*n))
		f(path, fmt.Sprint(*n))
	case v.CanInt():
		v.SetInt(int64(1000 + *n))
		f(path, fmt.Sprint(1000+*n))
	case v.CanUint():
		v.SetUint(uint64(1000 + *n))
		f(path, fmt.Sprint(1000+*n))
	case v.CanFloat():
		v.SetFloat(float64(*n) + 0.25)
		f(path, fmt.Sprint(float64(*n)+0.25))
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fillIn(v.Index(i), path, n, f)
		}
	default:
		panic("a field of a kind that Convert has not met: " + v.Type().String())
	}
}

// TestConvertEveryField sets each field of an Event, whatever fields there are, and
// wants to find each value in the Riemann event, under its own flattened name.
func TestConvertEveryField(t *testing.T) {
	var e enrich.Event
	n, want := 0, map[string][]string{}
	fillIn(reflect.ValueOf(&e).Elem(), nil, &n, func(path []string, text string) {
		name := strings.Join(path, "_")
		want[name] = append(want[name], text)
	})
	ev := Convert(e, Mapping{Prefix: "systemd/"}, e.Time.Time())
	got := map[string]string{
		"host": ev.GetHost(), "severity": ev.GetState(), "description": ev.GetDescription(),
		"tags": strings.Join(ev.Tags, ","), "time": fmt.Sprint(ev.GetTimeMicros()),
	}
	for _, a := range ev.Attributes {
		if Reserved(a.GetKey()) {
			t.Errorf("attribute %s bears a Riemann field's name", a.GetKey())
		}
		if _, twice := got[a.GetKey()]; twice {
			t.Errorf("attribute %s twice", a.GetKey())
		}
		got[a.GetKey()] = a.GetValue()
	}
	alias := map[string]string{"id": "event_id", "evidence_source": "evidence", "evidence_says": "evidence"}
	for name, values := range want {
		at := name
		if a, ok := alias[name]; ok {
			at = a
		}
		if name == "evidence_cursor" {
			values = values[1:] // the closing one
		}
		for _, v := range values {
			if !strings.Contains(got[at], v) {
				t.Errorf("%s: %q is not in attribute %s = %q", name, v, at, got[at])
			}
		}
	}
	if ev.GetService() != "systemd/"+e.Unit {
		t.Errorf("service %q", ev.GetService())
	}
}

func TestConvert(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 123456000, time.UTC)
	stamp := enrich.Stamp(at.UnixMicro())
	seconds, uptime, status, will := 0.0125, 42.5, 0, false
	for _, tt := range []struct {
		name  string
		event enrich.Event
		now   time.Time
		want  *proto.Event
	}{
		{
			"a job", enrich.Event{
				ID: "b/system/job/7", Time: stamp, Host: "h", Unit: "nginx.service", Action: "restart", Result: "done", Cause: "manual",
				Job: &enrich.JobInfo{ID: 7, DurationS: &seconds}, Severity: "ok", Tags: []string{"systemd", "mine"},
				UptimeS: &uptime, WillRestart: &will, Log: []string{"a", "b"}, Missing: []string{"x", "y"}, Description: "d",
			}, at.Add(time.Minute),
			event("systemd/nginx.service", at, 3600, pb.Float64(0.0125), "ok", []string{"systemd", "mine", "extra"},
				"event_id", "b/system/job/7", "unit", "nginx.service", "action", "restart", "result", "done", "cause", "manual", "job_id", "7",
				"job_duration_s", "0.0125", "will_restart", "false", "uptime_s", "42.5", "log", "a\nb", "missing", "x,y", "dc", "ams"),
		},
		{
			"an exit, old", enrich.Event{
				ID: "i", Time: stamp, Host: "h", Unit: "u", Action: "exit", Cause: "crash", Severity: "critical", UptimeS: &uptime,
				Exit: &enrich.Exit{Code: "exited", Status: &status}, Description: "d",
			}, at.Add(2 * time.Hour),
			event("systemd/u", at, 3*3600, pb.Float64(42.5), "critical", []string{"mine", "extra"},
				"event_id", "i", "unit", "u", "action", "exit", "cause", "crash", "exit_code", "exited", "exit_status", "0", "uptime_s", "42.5", "dc", "ams"),
		},
		{
			"unknown is absent", enrich.Event{ID: "i", Time: stamp, Host: "h", Unit: "u", Action: "reset", Cause: "unknown", Severity: "ok", UptimeS: &uptime, Description: "d"}, at.Add(-time.Hour),
			event("systemd/u", at, 3600, nil, "ok", []string{"mine", "extra"},
				"event_id", "i", "unit", "u", "action", "reset", "cause", "unknown", "uptime_s", "42.5", "dc", "ams"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := Mapping{Prefix: "systemd/", Tags: []string{"mine", "extra"}, Attributes: map[string]string{"dc": "ams", "unit": "not this"}}
			got := Convert(tt.event, m, tt.now)
			if diff := cmp.Diff(pb.Clone(tt.want).(*proto.Event).String(), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func event(service string, at time.Time, ttl float32, metric *float64, state string, tags []string, attributes ...string) *proto.Event {
	ev := &proto.Event{
		Host: pb.String("h"), Service: &service, Time: pb.Int64(at.Unix()), TimeMicros: pb.Int64(at.UnixMicro()),
		Ttl: &ttl, MetricD: metric, State: &state, Tags: tags, Description: pb.String("d"),
	}
	for pair := range slices.Chunk(attributes, 2) {
		ev.Attributes = append(ev.Attributes, &proto.Attribute{Key: &pair[0], Value: &pair[1]})
	}
	return ev
}

func FuzzClean(f *testing.F) {
	f.Add("plain", 10)
	f.Add("\xff\x00 broken …", 6)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = 8 + max(limit, 0)%5000
		got := clean(s, limit)
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") || len(got) > limit {
			t.Errorf("clean(%q, %d) = %q", s, limit, got)
		}
	})
}

func FuzzDecodeRecord(f *testing.F) {
	r := record{seq: 7, body: []byte("body")}
	f.Add(key(7), r.encode())
	f.Fuzz(func(t *testing.T, k, v []byte) {
		got, err := decodeRecord(k, v, levelOK)
		if err == nil && string(got.encode()) != string(v) {
			t.Errorf("%x decodes to another record", v)
		}
	})
}

// FuzzAnswer reads what a server may send: only an ok is one.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 0x10, 1})
	f.Add([]byte{0, 0, 0, 4, 0x10, 0, 0x1a, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		err := (&stream{read: bufio.NewReader(bytes.NewReader(b))}).answer()
		var m proto.Msg
		if err == nil && (len(b) < 6 || pb.Unmarshal(b[4:4+binary.BigEndian.Uint32(b)], &m) != nil || !m.GetOk()) {
			t.Errorf("%x is taken for an ok", b)
		}
	})
}

// TestMessage has the encoded batch read by the library's decoder.
func TestMessage(t *testing.T) {
	now := time.Now()
	events := numbered(1, 3)
	events[1].Time -= enrich.Stamp(2 * time.Hour.Microseconds())
	var batch []record
	var want proto.Msg
	for _, e := range events {
		ev := Convert(e, Mapping{Tags: []string{"t"}}, now)
		want.Events = append(want.Events, pb.Clone(ev).(*proto.Event))
		r, err := newRecord(ev, e.ID, e.Severity)
		if err != nil {
			t.Fatal(err)
		}
		r.body = appendAttribute(r.body, "k", "v")
		want.Events[len(want.Events)-1].Attributes = append(want.Events[len(want.Events)-1].Attributes, &proto.Attribute{Key: pb.String("k"), Value: pb.String("v")})
		batch = append(batch, r)
	}
	var got proto.Msg
	if err := pb.Unmarshal(message(batch, 0, now), &got); err != nil {
		t.Fatal(err)
	}
	if !pb.Equal(&want, &got) {
		t.Errorf("want %v\ngot  %v", &want, &got)
	}
	if _, _, n := protowire.ConsumeField(message(batch[:1], 0, now)); n < 0 {
		t.Error("not one field")
	}
}

func TestParseTarget(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"tcp://riemann", "tcp://riemann:5555"}, {"tls://riemann", "tls://riemann:5554"}, {"udp://riemann:1", "udp://riemann:1"},
		{"riemann", "tcp://riemann:5555"}, {"riemann:6000", "tcp://riemann:6000"}, {"127.0.0.1:6000", "tcp://127.0.0.1:6000"},
		{"tcp://[::1]:7", "tcp://[::1]:7"}, {"tcp://riemann/", "tcp://riemann:5555"},
		{"", "the host is missing"}, {"tcp://", "the host is missing"}, {"http://riemann", `unknown scheme "http"`},
		{"tcp://riemann:0", "port 0"}, {"tcp://riemann:99999", "port 99999"}, {"tcp://riemann:x", "not an address"},
		{"tcp://a:b@riemann", "no user or password"}, {"tcp://riemann:1/x", "nothing may follow"}, {"tcp://rie mann", "not an address"},
	} {
		got, err := ParseTarget(tt.in)
		if err == nil && got.String() != tt.want || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, %v; want %s", tt.in, got, err, tt.want)
		}
	}
}

func BenchmarkConvert(b *testing.B) {
	var e enrich.Event
	n := 0
	fillIn(reflect.ValueOf(&e).Elem(), nil, &n, func([]string, string) {})
	now := time.Now()
	for _, tt := range []struct {
		name  string
		event enrich.Event
	}{{"usual", numbered(1, 1)[0]}, {"every field", e}} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := newRecord(Convert(tt.event, Mapping{Prefix: "systemd/"}, now), tt.event.ID, tt.event.Severity); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
