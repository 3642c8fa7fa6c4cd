package enrich

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDevice: a device starts what wants it only when it has just appeared.
func TestDevice(t *testing.T) {
	announce := Observation{Kind: KindUnitNew, Unit: "x.device"}
	asked := Client{PID: 7, Comm: "systemctl", Verb: "start", Units: []string{"a.service"}, User: "root"}
	state := func(active string) Observation {
		return Observation{Kind: KindUnit, Unit: "x.device", State: State{Active: active}}
	}
	tests := []struct {
		name    string
		before  func(*teller)
		clients []Client
		want    string
	}{
		{"announced just before", func(t *teller) { t.say(announce) }, nil, "start done device ok"},
		{"and seen to be plugged in", func(t *teller) { t.say(announce); t.say(state("active")) }, nil, "start done device ok"},
		{"plugged in again", func(t *teller) {
			t.say(state("inactive"))
			t.say(Observation{Kind: KindUnitRemoved, Unit: "x.device"})
			t.say(announce)
		}, nil, "start done device ok"},
		{"only looked at", func(t *teller) {
			t.say(announce)
			t.say(Observation{Kind: KindUnitRemoved, Unit: "x.device"})
		}, nil, "start done manual ok -requester"},
		{"a client was waiting", func(t *teller) { t.say(announce) }, []Client{asked}, "start done manual ok"},
		{"announced, but not plugged in", func(t *teller) { t.say(announce); t.say(state("inactive")) }, nil, "start done manual ok -requester"},
		{"announced long before", func(t *teller) { t.say(announce); t.wait(2 * nearby) }, nil, "start done manual ok -requester"},
		{"announced by a reload", func(t *teller) {
			t.say(Observation{Kind: KindReloading, Active: true})
			t.say(announce)
			t.say(Observation{Kind: KindReloading})
		}, nil, "start done manual ok -requester"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tell()
			tt.before(s)
			s.start(9, "a.service", tt.clients...)
			// What becomes of the device afterwards is of no account.
			s.say(state("inactive"))
			s.say(Observation{Kind: KindUnitRemoved, Unit: "x.device"})
			s.say(Observation{Kind: KindConfig, Unit: "a.service", Config: Config{Names: []string{"a.service"}, LogLevelMax: -1,
				Deps: map[string][]string{"WantedBy": {"x.device"}}}})
			s.say(Observation{Kind: KindJobRemoved, Unit: "a.service", Job: Job{ID: 9, Result: "done"}})
			s.wait(10 * nearby)
			if diff := cmp.Diff([]string{tt.want}, verdicts(s.out)); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestExpiry: the stop of an idle automount's mount is not laid at a client's door.
func TestExpiry(t *testing.T) {
	tests := []struct {
		name string
		deps map[string][]string
		want string
	}{
		{"an automount", map[string][]string{"TriggeredBy": {"m.automount"}}, "stop done unknown ok -requester"},
		{"a mount of its own", nil, "stop done manual ok -requester"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tell()
			s.say(Observation{Kind: KindUnit, Unit: "m.mount", State: State{Active: "active", Sub: "mounted", Invocation: "run"}})
			s.say(Observation{Kind: KindJobNew, Unit: "m.mount", Job: Job{ID: 9}})
			s.say(Observation{Kind: KindClients, Jobs: []uint32{9}})
			s.say(Observation{Kind: KindConfig, Unit: "m.mount", Config: Config{Names: []string{"m.mount"}, LogLevelMax: -1, Deps: tt.deps}})
			at := s.mono
			s.entry(Entry{Unit: "m.mount", Job: 9, JobType: "stop", JobResult: "done", MessageID: MsgStopped, Invocation: "run", Message: "Unmounted."})
			s.say(Observation{Kind: KindUnit, Unit: "m.mount", State: State{Active: "inactive", Sub: "dead", Job: 9, Invocation: "run", Changed: at, ActiveExit: at, InactiveEnter: at}})
			s.say(Observation{Kind: KindJobRemoved, Unit: "m.mount", Job: Job{ID: 9, Result: "done"}})
			s.wait(10 * nearby)
			if diff := cmp.Diff([]string{tt.want}, verdicts(s.out)); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
		})
	}
}
