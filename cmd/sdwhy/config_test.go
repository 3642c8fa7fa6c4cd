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

// TestUserConfig: of a user's manager, the machine's settings are not read, and its units'
// services stand apart from the machine's.
func TestUserConfig(t *testing.T) {
	home := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(home, ".config/sdwhy/sdwhy.toml"), `tag = ["home"]`)
	write(filepath.Join(home, "xdg/sdwhy/sdwhy.toml"), `tag = ["xdg"]`+"\nprefix = \"mine/\"")
	own := "systemd/" + userName() + "/"
	for _, tt := range []struct {
		args   []string
		env    map[string]string
		tag    []string
		prefix string
	}{
		{[]string{"--user"}, nil, []string{"home"}, own},
		{nil, map[string]string{"SDWHY_USER": "true"}, []string{"home"}, own},
		{[]string{"--user"}, map[string]string{"XDG_CONFIG_HOME": home + "/xdg"}, []string{"xdg"}, "mine/"},
		{[]string{"--user"}, map[string]string{"XDG_CONFIG_HOME": home + "/none"}, nil, own},
		{[]string{"--user=false"}, map[string]string{"SDWHY_USER": "true", "SDWHY_CONFIG": "/dev/null"}, nil, "systemd/"},
	} {
		flags := newConfig().allFlags()
		if err := flags.Parse(tt.args); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig("", flags, func(name string) string {
			if name == "HOME" {
				return home
			}
			return tt.env[name]
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.Tag, tt.tag) || c.Prefix != tt.prefix {
			t.Errorf("%q, %v: tags %q, prefix %q; want %q, %q", tt.args, tt.env, c.Tag, c.Prefix, tt.tag, tt.prefix)
		}
		if want := map[bool]string{true: "sdwhy/" + userName(), false: "sdwhy"}[c.User]; c.heartbeatService() != want {
			t.Errorf("%q: the heartbeat is %q, want %q", tt.args, c.heartbeatService(), want)
		}
	}
}
