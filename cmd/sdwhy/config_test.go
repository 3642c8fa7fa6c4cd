package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"
)

// TestReferenceFile proves that sdwhy.toml has every key, that each stands there with
// its default, and that words come before each.
func TestReferenceFile(t *testing.T) {
	text, err := os.ReadFile("sdwhy.toml")
	if err != nil {
		t.Fatal(err)
	}
	c := &Config{}
	meta, err := toml.Decode(string(text), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range configKeys() {
		if !meta.IsDefined(key) {
			t.Errorf("sdwhy.toml has no key %q", key)
		}
	}
	if undecoded := meta.Undecoded(); len(undecoded) > 0 {
		t.Errorf("sdwhy.toml has unknown keys: %v", undecoded)
	}
	ignore := cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Config{})}
	if diff := cmp.Diff(newConfig(), c, ignore); diff != "" {
		t.Errorf("sdwhy.toml and the defaults differ (-want +got):\n%s", diff)
	}
	before := ""
	for line := range strings.Lines(string(text)) {
		if line != "\n" && !strings.HasPrefix(line, "#") && before == "\n" {
			t.Errorf("no words before %q", line)
		}
		before = line
	}
}

// TestEveryKeyIsAFlag keeps the three places of a setting under one name.
func TestEveryKeyIsAFlag(t *testing.T) {
	var flags []string
	newConfig().allFlags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
	keys := configKeys()
	slices.Sort(keys)
	slices.Sort(flags)
	if diff := cmp.Diff(keys, flags); diff != "" {
		t.Errorf("keys and flags differ (-keys +flags):\n%s", diff)
	}
}

func TestLoadConfigLayers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sdwhy.toml")
	text := "prefix = \"file/\"\nttl = 90\ntag = [\"file\"]\ninclude = [\"a*\", \"b*\"]\n[attribute]\nrole = \"db\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"SDWHY_TAG": "env1,env2", "SDWHY_PREFIX": "env/", "STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}
	flags := newConfig().allFlags()
	if err := flags.Parse([]string{"--prefix", "flag/", "--include", "x*", "--include", "y*", "--attribute", "a=b"}); err != nil {
		t.Fatal(err)
	}
	got, err := loadConfig(file, flags, func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	want := newConfig()
	want.Prefix, want.TTL, want.Tag = "flag/", seconds(90*time.Second), []string{"env1", "env2"}
	want.Include, want.Attribute, want.StateDirectory = []string{"x*", "y*"}, attributes{"a": "b"}, "/var/lib/a"
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Errorf("loadConfig (-want +got):\n%s", diff)
	}
}

func TestSeconds(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration
		bad  bool
	}{
		{in: "90", want: 90 * time.Second},
		{in: "1.5", want: 1500 * time.Millisecond},
		{in: "1h", want: time.Hour},
		{in: "NaN", bad: true},
		{in: "Inf", bad: true},
		{in: "-1", bad: true},
		{in: "soon", bad: true},
	}
	for _, tt := range tests {
		var s seconds
		err := s.Set(tt.in)
		if (err != nil) != tt.bad || time.Duration(s) != tt.want {
			t.Errorf("%q: %v, %v; want %v, bad: %v", tt.in, time.Duration(s), err, tt.want, tt.bad)
		}
	}
}

func TestChanges(t *testing.T) {
	a, b := newConfig(), newConfig()
	b.User, b.TTL, b.Include = true, 1, []string{"x"}
	if diff := cmp.Diff([]string{"user"}, changes(a, b, restartKeys)); diff != "" {
		t.Errorf("restart (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ttl"}, changes(a, b, riemannKeys)); diff != "" {
		t.Errorf("riemann (-want +got):\n%s", diff)
	}
	for _, key := range slices.Concat(restartKeys, riemannKeys) {
		if !slices.Contains(configKeys(), key) {
			t.Errorf("%q is no key", key)
		}
	}
}
