package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sdwhy/journal"
)

// completeTimeout is how long a shell waits for names out of the journal.
const completeTimeout = 2 * time.Second

// complete makes shells offer what a flag takes, wherever it stands; files only for flags
// that name one, which are left to the shell, and no arguments where a command takes none.
func complete(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if cmd.ValidArgsFunction == nil && !strings.HasSuffix(cmd.Use, " FILE") {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if offer := offers(cmd, f); offer != nil {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, offer) // fails only where it was done before
			}
		})
	}
}

// offers is how a flag is completed; nil leaves it to the shell, which takes it for a file.
func offers(cmd *cobra.Command, f *pflag.Flag) cobra.CompletionFunc {
	switch f.Name {
	case "output":
		if cmd.Name() == "explain" {
			return words(outputs()[:2]...)
		}
		return words(outputs()...)
	case "type":
		return words(append(slices.Clone(unitTypes), allTypes)...)
	case "cause":
		return words(causeNames...)
	case "since", "until":
		return words("now", "today", "yesterday", "-1h", "-1d")
	case "boot":
		return words("0", "-1", "-2")
	case "include", "exclude":
		return unitNames(func() (journal.Query, error) { return journal.Query{}, nil })
	case "riemann":
		return addresses
	case "directory", "state-directory":
		return directories
	case "config", "file", "record", "tls-ca-cert", "tls-cert", "tls-key":
		return nil
	}
	return cobra.NoFileCompletions
}

// words are the values of a flag, also behind a comma where it takes a list.
func words(list ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		var found []string
		for _, w := range list {
			if strings.HasPrefix(before+w, typed) {
				found = append(found, before+w)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// unitNames are the units that the journal knows, as far as the user may read it.
func unitNames(where func() (journal.Query, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		q, err := where()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeTimeout)
		defer cancel()
		known, err := journal.Units(ctx, q)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return words(known...)(cmd, nil, typed)
	}
}

func addresses(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"tcp://", "tls://", "udp://"}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func directories(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}
