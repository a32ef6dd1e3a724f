package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// app is one call of the program.
type app struct {
	*ui
	args    []string
	started bool // a command's own code runs, so an error is no longer one of its arguments
}

const examples = `  batchinvite run candidates.csv --sandbox     rehearse: nothing leaves this machine
  batchinvite check candidates.csv             every problem of the file at once; sends nothing
  batchinvite run candidates.csv               invite everyone; safe to repeat
`

// execute runs the program and gives its exit code.
func execute(args []string, u *ui) int {
	a := &app{ui: u, args: args}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(u.in)
	root.SetOut(u.out)
	root.SetErr(u)
	err := root.ExecuteContext(context.Background())
	if err != nil && !a.started {
		err = usage(err)
	}
	return u.fail(err, helpFor(root, args))
}

// helpFor names the help page that fits arguments that were wrong.
func helpFor(root *cobra.Command, args []string) string {
	if cmd, _, err := root.Find(args); err == nil && cmd != root {
		return cmd.Name() + " --help"
	}
	return "--help"
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "batchinvite",
		Short:         "Invite every candidate of a spreadsheet, and get it back with a link or an error on every row",
		Example:       examples,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprint(cmd.OutOrStdout(), examples)
			return nil
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
			return fmt.Errorf("--%s: %w", wrong.GetFlag().Name, notA(wrong.GetFlag(), wrong.GetValue(), wrong.Unwrap()))
		}
		return err
	})
	root.AddCommand(a.runCommand(), a.checkCommand(), a.initCommand(), a.statusCommand(), a.resolveCommand(), a.exportCommand(), a.importCommand(), a.revokeCommand(),
		a.purgeCommand(),
		a.sandboxCommand(), a.versionCommand())
	return root
}

// start marks the end of the arguments' part, and reads what the arguments left open from the environment and the
// settings file.
func (a *app) start(cmd *cobra.Command, s *settings) error {
	a.started = true
	if err := s.configure(cmd.Flags(), knownFlags(), a.ui); err != nil {
		return err
	}
	return s.validate()
}

// knownFlags are those that a settings file may name.
func knownFlags() *pflag.FlagSet {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, g := range new(settings).runFlags() {
		all.AddFlagSet(g.flags)
	}
	return all
}

// addGroups gives a command its flags, and a help page with their headings.
func addGroups(cmd *cobra.Command, groups ...flagGroup) {
	for _, g := range groups {
		cmd.Flags().AddFlagSet(g.flags)
		g.flags.VisitAll(func(f *pflag.Flag) {
			if words, isChoice := f.Value.(*choice); isChoice {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(words.of, cobra.ShellCompDirectiveNoFileComp)) // it is registered once
			}
		})
	}
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		var b strings.Builder
		fmt.Fprintf(&b, "Usage:\n  %s\n", cmd.UseLine())
		if cmd.Example != "" {
			fmt.Fprintf(&b, "\nExamples:\n%s", cmd.Example)
		}
		for _, g := range groups {
			fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.flags.FlagUsages())
		}
		fmt.Fprintf(&b, "\n%s", exitHelp())
		_, err := fmt.Fprint(cmd.OutOrStdout(), b.String())
		return err
	})
}

// quoted spells arguments for a shell.
func quoted(args ...string) string {
	out := make([]string, len(args))
	for i, arg := range args {
		if arg != "" && strings.Trim(arg, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == "" {
			out[i] = arg
		} else {
			out[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
