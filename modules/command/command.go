// Package command is the command line: one file for each group of commands, and this one for what they share.
//
// Data goes to standard output, messages for people to standard error. The exit status is 0, 1 for a failure and 2 for
// bad usage. No secret is ever an argument.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"oms/modules"
	"oms/modules/system"
	"oms/platform/config"
	"oms/platform/lifecycle"
	"oms/platform/module"
	"oms/platform/shell"
)

// Main runs the command that args name and returns the exit status. embedded is the configuration of the binary.
func Main(args []string, embedded []byte) int {
	ctx, stop := lifecycle.UntilSignal(context.Background())
	defer stop()
	a := &app{embedded: embedded}
	root := a.root()
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return 0
	case !a.running:
		fmt.Fprintf(os.Stderr, "app: %v; see %s --help\n", err, command.CommandPath())
		return 2
	}
	if _, told := errors.AsType[logged](err); !told {
		for line := range lines(err) {
			fmt.Fprintf(os.Stderr, "app: %s\n", line)
		}
	}
	return 1
}

// lines are what an error says, line by line.
func lines(err error) iter.Seq[string] {
	return strings.SplitSeq(strings.TrimSpace(err.Error()), "\n")
}

// app is what all commands share.
type app struct {
	embedded   []byte
	configFile string
	dataDir    string
	address    string
	running    bool // the usage was good: what fails from now on is a failure
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "app",
		Short:         "An order management system whose services trust each other by JWT",
		SilenceErrors: true, SilenceUsage: true,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			return errors.Join(cmd.Help(), errors.New("say what to do, for example app serve"))
		},
		Example: "app serve", Version: Version,
	}
	root.SetVersionTemplate(thisBuild().String() + "\n")
	root.PersistentFlags().StringVar(&a.configFile, "config", "", "configuration file (default ./config.yaml where it is there)")
	root.PersistentFlags().StringVar(&a.dataDir, "data-dir", "", "databases, keys and certificates (default: data_dir of the configuration)")
	root.PersistentFlags().StringVar(&a.address, "address", "", "host:port of the public listener (default: server.address of the configuration); the public URL follows where that is auto")
	must(root.MarkPersistentFlagFilename("config", "yaml", "yml"), root.MarkPersistentFlagDirname("data-dir"))
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.AddCommand(a.serve(), a.version(), a.config(), a.token(), a.users(), a.keys(), a.certs(), a.stock(), a.migrate())
	return root
}

// run marks the point from which an error is a failure, not bad usage.
func (a *app) run(do func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.running = true
		return do(cmd, args)
	}
}

// configured runs do with the configuration, in which some flags set a key.
func (a *app) configured(do func(*cobra.Command, *system.Loaded, []string) error) func(*cobra.Command, []string) error {
	return a.run(func(cmd *cobra.Command, args []string) error {
		flags := map[string]string{}
		if a.dataDir != "" {
			flags["data_dir"] = a.dataDir
		}
		if a.address != "" {
			flags["server.address"] = a.address
		}
		if hosted := cmd.Flags().Lookup(modulesFlag); hosted != nil && hosted.Changed {
			flags["server.modules"] = hosted.Value.String()
		}
		loaded, err := system.Load(config.LoadOptions{File: a.configFile, Embedded: a.embedded, Environ: os.Environ(), Flags: flags}, modules.All)
		if err != nil {
			return err
		}
		return do(cmd, loaded, args)
	})
}

// moduleNames are the modules that a command can name.
func moduleNames() []string { return module.Names(modules.All) }

// given are the flags with which this command was called and that others need to see the same data.
func (a *app) given() string {
	var flags strings.Builder
	if a.configFile != "" {
		flags.WriteString(" --config " + shell.Quote(a.configFile))
	}
	if a.dataDir != "" {
		flags.WriteString(" --data-dir " + shell.Quote(a.dataDir))
	}
	if a.address != "" {
		flags.WriteString(" --address " + shell.Quote(a.address))
	}
	return flags.String()
}

// quiet is the log of commands that end: only what goes wrong.
func quiet(to io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// group is a command that only has subcommands.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	parent := &cobra.Command{Use: use, Short: short, Args: noArguments, RunE: func(cmd *cobra.Command, _ []string) error {
		names := make([]string, len(commands))
		for i, command := range commands {
			names[i] = command.Name()
		}
		return fmt.Errorf("say which: %s %s", cmd.CommandPath(), strings.Join(names, "|"))
	}}
	parent.AddCommand(commands...)
	return parent
}

// noArguments is for commands that take none: what stands there is a mistyped command, or too much.
func noArguments(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !cmd.HasSubCommands():
		return fmt.Errorf("%s takes no argument %q", cmd.CommandPath(), args[0])
	}
	cmd.SuggestionsMinimumDistance = 2 // letters: what a typing error changes
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("there is no command %q; perhaps %s %s", args[0], cmd.CommandPath(), near[0])
	}
	return fmt.Errorf("there is no command %q", args[0])
}

// must is for what depends on the program alone, so that every test would see it fail.
func must(errs ...error) {
	if err := errors.Join(errs...); err != nil {
		panic(err)
	}
}

// oneName is for commands that take a name.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("say one name: %s", cmd.UseLine())
	}
	return nil
}

// oneOf is for commands that take one of a few words.
func oneOf(words []string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := oneName(cmd, args); err != nil {
			return err
		}
		return known(words, args[0])
	}
}

// oneOrAll is for commands that take one of a few words, or none for all of them.
func oneOrAll(words []string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return nil
		case 1:
			return known(words, args[0])
		}
		return fmt.Errorf("name one, or none for all of them: %s", cmd.UseLine())
	}
}

func known(words []string, word string) error {
	if slices.Contains(words, word) {
		return nil
	}
	return fmt.Errorf("there is no %q; it is one of %s", word, strings.Join(words, ", "))
}

// nameAndMore is for commands that take a name, and words behind it.
func nameAndMore(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say a name: %s", cmd.UseLine())
	}
	return nil
}
