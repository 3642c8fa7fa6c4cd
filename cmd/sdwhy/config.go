package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"
)

// defaultConfig is read where it exists and no --config says otherwise.
const defaultConfig = "/etc/sdwhy/sdwhy.toml"

// A Config is what can be set. A setting has one name: the key in the file is the
// flag, and the environment's variable is SDWHY_ and the name in capitals. Flags
// go over the environment, which goes over the file. sdwhy.toml describes each.
type Config struct {
	// What is shown and sent.
	Output  string   `toml:"output"`
	Type    []string `toml:"type"`
	Include []string `toml:"include"`
	Exclude []string `toml:"exclude"`

	// What is watched.
	User           bool   `toml:"user"`
	LogLines       int    `toml:"log-lines"`
	Verdicts       bool   `toml:"verdicts"`
	StateDirectory string `toml:"state-directory"`
	Metrics        string `toml:"metrics"`

	// Where events go.
	Riemann       []string   `toml:"riemann"`
	TLSCACert     string     `toml:"tls-ca-cert"`
	TLSCert       string     `toml:"tls-cert"`
	TLSKey        string     `toml:"tls-key"`
	TLSServerName string     `toml:"tls-server-name"`
	Prefix        string     `toml:"prefix"`
	TTL           seconds    `toml:"ttl"`
	Tag           []string   `toml:"tag"`
	Attribute     attributes `toml:"attribute"`

	file string // that was read, empty for none
}

func newConfig() *Config {
	return &Config{
		Type:     slices.Clone(unitTypes[:shownByDefault]),
		LogLines: 5,
		Prefix:   "systemd/",
		TTL:      seconds(time.Hour),
	}
}

// outputFlags are those of every command that prints events.
func (c *Config) outputFlags(set *pflag.FlagSet) {
	set.StringVarP(&c.Output, "output", "o", c.Output, "print events as `text|json|none` (default text; none when Riemann gets them)")
	set.StringSliceVarP(&c.Type, "type", "t", c.Type, "show and send units of these `types`; all adds targets, slices, scopes, devices")
	set.StringSliceVar(&c.Include, "include", c.Include, "only units that match this `glob` (repeatable)")
	set.StringSliceVar(&c.Exclude, "exclude", c.Exclude, "no units that match this `glob` (repeatable)")
}

// watchFlags are those of watching.
func (c *Config) watchFlags(set *pflag.FlagSet) {
	set.BoolVar(&c.User, "user", c.User, "the user's own service manager instead of the system's")
	set.IntVar(&c.LogLines, "log-lines", c.LogLines, "take the unit's last `n` log lines along with a failure (0: none)")
	set.BoolVar(&c.Verdicts, "verdicts", c.Verdicts, "write each verdict to the journal too")
	set.StringVar(&c.StateDirectory, "state-directory", c.StateDirectory, "keep unsent events and the place in the journal in `dir` (default $STATE_DIRECTORY)")
	set.StringVar(&c.Metrics, "metrics", c.Metrics, "serve counters for Prometheus on `address`, such as localhost:9757")
}

// riemannFlags are those of sending, named as in riemann-tools where they mean the same.
func (c *Config) riemannFlags(set *pflag.FlagSet) {
	set.StringSliceVar(&c.Riemann, "riemann", c.Riemann, "send events to this `address`: tcp://host:5555, tls://… or udp://… (repeatable: tried in order)")
	set.StringVar(&c.TLSCACert, "tls-ca-cert", c.TLSCACert, "trust the certificates in this `file` (default: the system's)")
	set.StringVar(&c.TLSCert, "tls-cert", c.TLSCert, "client certificate `file`")
	set.StringVar(&c.TLSKey, "tls-key", c.TLSKey, "client key `file`")
	set.StringVar(&c.TLSServerName, "tls-server-name", c.TLSServerName, "expect this `name` in the server's certificate (default: the host of the address)")
	set.StringVar(&c.Prefix, "prefix", c.Prefix, "`text` in front of the unit in Riemann's service")
	set.Var(&c.TTL, "ttl", "events live this long in Riemann")
	set.StringSliceVar(&c.Tag, "tag", c.Tag, "add this `tag` to every event (repeatable)")
	set.Var(&c.Attribute, "attribute", "add this attribute to every event (repeatable)")
}

// allFlags are all settings there are, bound to c.
func (c *Config) allFlags() *pflag.FlagSet {
	set := pflag.NewFlagSet("sdwhy", pflag.ContinueOnError)
	c.outputFlags(set)
	c.watchFlags(set)
	c.riemannFlags(set)
	return set
}

// loadConfig layers defaults, file, environment and the flags that were given. An
// empty path means the default file, which may be absent.
func loadConfig(path string, flags *pflag.FlagSet, env func(string) string) (*Config, error) {
	c := newConfig()
	usual := defaultConfig
	if ofUser(flags, env) {
		usual, c.Prefix = userConfig(env), userPrefix()
	}
	if path == "" {
		path = env("SDWHY_CONFIG")
	}
	if err := c.readFile(path, usual); err != nil {
		return nil, err
	}
	if err := c.overlay(flags, env); err != nil {
		return nil, err
	}
	if c.StateDirectory == "" {
		// Several directories are joined by colons (man systemd.exec); ours is the first.
		c.StateDirectory, _, _ = strings.Cut(env("STATE_DIRECTORY"), ":")
	}
	return c, c.check()
}

// readFile reads the file that was named, else the usual one where there is one.
func (c *Config) readFile(path, usual string) error {
	name := cmp.Or(path, usual)
	text, err := os.ReadFile(name)
	if path == "" && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usagef("name a readable file with --config, or none for the defaults", "cannot read the configuration: %v", err)
	}
	c.file = name
	return c.parse(name, text)
}

// parse reads a file's text over c. Unknown keys are errors.
func (c *Config) parse(name string, text []byte) error {
	meta, err := toml.NewDecoder(bytes.NewReader(text)).Decode(c)
	if err != nil {
		return usagef(typeHint(err), "%s: %s", name, strings.TrimPrefix(err.Error(), "toml: "))
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0].String()
		return usagef(didYouMean(key, configKeys()), "%s: unknown key %q", name, key)
	}
	return nil
}

var lastKey = regexp.MustCompile(`\(last key "([^"]+)"\)`)

// typeHint shows how the key is written that the parser stumbled over: its error says it only as text.
func typeHint(err error) string {
	var key string
	if m := lastKey.FindStringSubmatch(err.Error()); m != nil {
		key = m[1]
	}
	for field := range reflect.TypeFor[Config]().Fields() {
		if !field.IsExported() || field.Tag.Get("toml") != key {
			continue
		}
		switch field.Type.Kind() {
		case reflect.String:
			return fmt.Sprintf(`write %s = "..."`, key)
		case reflect.Slice:
			return fmt.Sprintf(`write %s = ["..."]`, key)
		case reflect.Bool:
			return fmt.Sprintf("write %s = true, or false", key)
		case reflect.Int:
			return fmt.Sprintf("write %s = a number, such as 5", key)
		}
	}
	return "man sdwhy.toml shows each key with its type"
}

// configKeys are the keys that a file may have.
func configKeys() []string {
	var keys []string
	for field := range reflect.TypeFor[Config]().Fields() {
		if field.IsExported() {
			keys = append(keys, field.Tag.Get("toml"))
		}
	}
	return keys
}

// overlay sets what the environment and, over it, the given flags say.
func (c *Config) overlay(given *pflag.FlagSet, env func(string) string) error {
	var failed error
	c.allFlags().VisitAll(func(f *pflag.Flag) {
		name := "SDWHY_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if set := given.Lookup(f.Name); set != nil && set.Changed {
			copyValue(f.Value, set.Value)
		} else if value := env(name); value != "" {
			if err := f.Value.Set(value); err != nil && failed == nil {
				failed = usagef("unset it or give it a value as --"+f.Name+" takes it", "bad %s in the environment: %v", name, err)
			}
		}
	})
	return failed
}

// copyValue sets one flag's value to another's of the same type.
func copyValue(to, from pflag.Value) {
	switch from := from.(type) {
	case pflag.SliceValue:
		_ = to.(pflag.SliceValue).Replace(from.GetSlice())
	case *attributes:
		*to.(*attributes) = *from
	default:
		_ = to.Set(from.String()) // it parsed before
	}
}

// printed is how events are printed: as asked, else as text unless Riemann gets them.
func (c *Config) printed() string {
	switch {
	case c.Output != "":
		return c.Output
	case len(c.Riemann) > 0:
		return outputNone
	default:
		return outputText
	}
}

// check finds settings that cannot be, before anything starts.
func (c *Config) check() error {
	if c.Output != "" && !slices.Contains(outputs(), c.Output) {
		return usagef(didYouMean(c.Output, outputs()), "unknown output %q in --output", c.Output)
	}
	if _, err := c.filter(); err != nil {
		return err
	}
	if c.LogLines < 0 || c.LogLines > maxLogLines {
		return usagef(fmt.Sprintf("give a number from 0 to %d", maxLogLines), "bad --log-lines %d", c.LogLines)
	}
	if c.TTL <= 0 {
		return usagef("an hour is 3600 or 1h", "bad --ttl %s: it must be more than 0", c.TTL.String())
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return usagef("give both --tls-cert and --tls-key, or neither", "a client certificate needs its key, and a key its certificate")
	}
	return c.Attribute.check()
}

const maxLogLines = 100

func (c *Config) filter() (*filter, error) { return newFilter(c.Type, c.Include, c.Exclude) }
