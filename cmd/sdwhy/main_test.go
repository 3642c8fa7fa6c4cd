package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestMain makes the test binary sdwhy to the scripts, and to itself as its journal's reader.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "journal-child") {
		main()
	}
	testscript.Main(m, map[string]func(){"sdwhy": main})
}

// TestScripts runs the command lines of testdata. No script finds a bus or this machine's settings.
func TestScripts(t *testing.T) {
	data, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: commands(),
		Setup: func(e *testscript.Env) error {
			e.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+e.WorkDir+"/no-bus")
			e.Setenv("SDWHY_CONFIG", os.DevNull)
			e.Setenv("DATA", data)
			e.Setenv("ESC", "\x1b[31mred")
			return nil
		},
	})
}

func TestManPageHasEveryFlag(t *testing.T) {
	page, err := os.ReadFile("sdwhy.1")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), `\-`, "-")
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		flags := func(f *pflag.Flag) {
			if !strings.Contains(text, "--"+f.Name) {
				t.Errorf("sdwhy.1 says nothing of --%s (%s)", f.Name, c.Name())
			}
		}
		c.LocalFlags().VisitAll(flags)
		for _, sub := range c.Commands() {
			if !strings.Contains(text, "sdwhy "+sub.Name()) && !sub.Hidden {
				t.Errorf("sdwhy.1 says nothing of sdwhy %s", sub.Name())
			}
			walk(sub)
		}
	}
	walk((&app{}).rootCommand())
}

func TestManPageHasEveryKey(t *testing.T) {
	page, err := os.ReadFile("sdwhy.toml.5")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), `\-`, "-")
	for _, key := range configKeys() {
		if !strings.Contains(text, ".BR "+key+" ") && !strings.Contains(text, ", \" "+key+" \"") && !strings.Contains(text, " "+key+" \"") {
			t.Errorf("sdwhy.toml.5 says nothing of %s", key)
		}
	}
}
