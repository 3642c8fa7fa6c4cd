package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// An app is one call of sdwhy with what it may touch. Data goes to stdout,
// messages to stderr.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	log            *slog.Logger

	configFile string
	verbose    bool
}

const about = `sdwhy says why a systemd unit started, stopped, restarted, reloaded or died,
and how it ended.`

const example = `  sdwhy watch                                    live, on this terminal
  sdwhy watch --riemann tcp://monitor:5555       live, to Riemann
  sdwhy watch --type all --exclude 'user*'       everything but user sessions
  sdwhy explain nginx                            what became of it, and why
  sdwhy check                                    can it see and send all it needs?`

// run runs the command line and gives the exit status.
func (a *app) run(ctx context.Context, args []string) int {
	a.log = newLogger(a.stderr, slog.LevelInfo)
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	return report(a.stderr, root.ExecuteContext(ctx))
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:               "sdwhy",
		Short:             "why did this systemd unit start, stop, restart, reload or die?",
		Long:              about,
		Example:           example,
		SilenceErrors:     true, // report prints them
		SilenceUsage:      true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.setup() },
		Args:              unknownCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVar(&a.configFile, "config", "", "read settings from this `file` (default "+defaultConfig+", where it exists)")
	root.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "say more on stderr")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(a.watchCommand(), a.explainCommand(), a.replayCommand(), a.checkCommand(), a.versionCommand(), a.childCommand())
	root.SetHelpCommand(helpCommand(root))
	complete(root)
	return root
}

// helpCommand is for those who write "sdwhy help watch". Cobra's own takes a wrong name for none.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "tell how a command is used",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(root, args)
			}
			return cmd.Help()
		},
		ValidArgsFunction: func(_ *cobra.Command, _ []string, typed string) (names []string, _ cobra.ShellCompDirective) {
			for _, c := range root.Commands() {
				if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), typed) {
					names = append(names, c.Name())
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

func (a *app) setup() error {
	if a.verbose {
		a.log = newLogger(a.stderr, slog.LevelDebug)
	}
	return nil
}

// config loads the settings for a command with the flags that it was given.
func (a *app) config(cmd *cobra.Command) (*Config, error) {
	return loadConfig(a.configFile, cmd.Flags(), a.env)
}

// unknownCommand is the root's check of arguments: it takes none.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			known = append(known, c.Name())
		}
	}
	return usagef(didYouMean(args[0], known), "unknown command %q", args[0])
}

// exactly wants the named arguments, no more and no less.
func exactly(command string, names ...string) cobra.PositionalArgs {
	usage := "write: " + strings.Join(append([]string{"sdwhy", command}, names...), " ")
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef(usage, "%s is missing", names[len(args)])
		case len(args) > len(names):
			return usagef(usage, "too many arguments: %q", args[len(names)])
		}
		return nil
	}
}

// flagError turns pflag's message into a usage error with a hint.
func flagError(cmd *cobra.Command, err error) error {
	what, hint := err.Error(), fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())
	if bad, ok := strings.CutPrefix(what, "unknown flag: --"); ok {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if c := closest(bad, known); c != "" {
			hint = fmt.Sprintf("did you mean --%s?", c)
		}
	}
	return usagef(hint, "%s", what)
}
