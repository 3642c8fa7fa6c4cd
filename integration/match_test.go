package integration

import (
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	const crash = `{"unit":"a.service","action":"exit","cause":"crash","exit":{"code":"exited","status":3},"tags":["systemd","no-job"],"n":1.5}`
	tests := []struct {
		name      string
		want, got string
		leeway    Leeway
		faults    []string // beginnings
	}{
		{name: "equal", want: crash, got: crash},
		{name: "fewer fields are wanted", want: `{"unit":"a.service","exit":{"status":3},"tags":["no-job"]}`, got: crash},
		{name: "regular expression", want: `{"unit":"~^a[.]"}`, got: crash},
		{name: "any number", want: `{"n":"#"}`, got: crash},
		{name: "field that may be missing", want: `{"?requester":{"uid":0}}`, got: `{"missing":["requester"]}`},
		{name: "field that may be missing, and is not", want: `{"?requester":{"uid":0}}`, got: `{"requester":{"uid":0}}`},
		{name: "field that may be missing, and is wrong", want: `{"?requester":{"uid":0}}`, got: `{"requester":{"uid":1}}`,
			faults: []string{"missing:", "unwanted:"}},
		{name: "field that may be missing, and is so silently", want: `{"?requester":{"uid":0}}`, got: `{}`,
			faults: []string{"missing:", "unwanted:"}},
		{name: "absent field", want: `{"unit":"a.service","job":null}`, got: crash},
		{name: "wrong cause", want: `{"unit":"a.service","cause":"manual"}`, got: crash,
			faults: []string{"missing:", "unwanted:"}},
		{name: "field that must be absent", want: `{"exit":null}`, got: crash, faults: []string{"missing:", "unwanted:"}},
		{name: "tag that is not there", want: `{"tags":["crash-loop"]}`, got: crash, faults: []string{"missing:", "unwanted:"}},
		{name: "nested field that is not there", want: `{"exit":{"signal":"SIGKILL"}}`, got: crash, faults: []string{"missing:", "unwanted:"}},
		{name: "extra event", want: "", got: crash, faults: []string{"unwanted:"}},
		{name: "extra event is fine", want: "", got: crash, leeway: Leeway{Extra: true}},
		{name: "forbidden event", want: `{"$absent":true,"cause":"crash"}`, got: crash, leeway: Leeway{Extra: true},
			faults: []string{"unwanted:"}},
		{name: "order within a unit", want: "{\"unit\":\"a\",\"n\":1}\n{\"unit\":\"a\",\"n\":2}",
			got: "{\"unit\":\"a\",\"n\":2}\n{\"unit\":\"a\",\"n\":1}", faults: []string{"missing:", "unwanted:"}},
		{name: "any order within a unit", want: "{\"unit\":\"a\",\"n\":1}\n{\"unit\":\"a\",\"n\":2}",
			got: "{\"unit\":\"a\",\"n\":2}\n{\"unit\":\"a\",\"n\":1}", leeway: Leeway{Order: true}},
		{name: "no order across units", want: "{\"unit\":\"a\"}\n{\"unit\":\"b\"}", got: "{\"unit\":\"b\"}\n{\"unit\":\"a\"}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			faults := Compare(events(t, tt.want), events(t, tt.got), tt.leeway)
			if len(faults) != len(tt.faults) {
				t.Fatalf("faults %q, want %q", faults, tt.faults)
			}
			for i, f := range faults {
				if !strings.HasPrefix(f, tt.faults[i]) {
					t.Errorf("fault %q, want %q", f, tt.faults[i])
				}
			}
		})
	}
}

func events(t *testing.T, text string) []map[string]any {
	t.Helper()
	events, err := ParseEvents([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestOwner(t *testing.T) {
	all := []*Scenario{{Name: "crash"}, {Name: "crash-loop"}, {Name: "bus", Headers: map[string]string{"also": "x.service"}}}
	for unit, want := range map[string]string{
		"crash.service": "crash", "crash-a.service": "crash", "crash@1.service": "crash", "crash-loop.timer": "crash-loop",
		"crashing.service": "", "x.service": "bus", "other.service": "", "crash": "",
	} {
		if got := Owner(all, unit); got != want {
			t.Errorf("Owner(%s) = %q, want %q", unit, got, want)
		}
	}
}

func TestScrub(t *testing.T) {
	const a, b = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
	in := `{"boot_id":"` + a + `","id":"` + b + `","cursor":"s=` + b + `;b=` + a + `"}`
	want := `{"boot_id":"00000000000000000000000000000001","id":"` + b +
		`","cursor":"s=00000000000000000000000000000002;b=00000000000000000000000000000001"}`
	if got := string(scrub([]byte(in))); got != want {
		t.Errorf("scrub\n got %s\nwant %s", got, want)
	}
}
