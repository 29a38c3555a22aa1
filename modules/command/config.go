package command

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"oms/modules/system"
)

func (a *app) config() *cobra.Command {
	return group("config", "Check or print the configuration",
		&cobra.Command{Use: "check", Short: "Say whether the configuration is good", Args: noArguments, Example: "app config check --config new.yaml", RunE: a.configured(checkConfig)},
		listing(&cobra.Command{
			Use: "print", Short: "Print every value, where it comes from, and the default where that is another one", Args: noArguments,
			Example: "app config print", RunE: a.configured(printConfig),
		}))
}

func checkConfig(cmd *cobra.Command, _ *system.Loaded, _ []string) error {
	_, err := fmt.Fprintln(cmd.ErrOrStderr(), "The configuration is good.")
	return err
}

func printConfig(cmd *cobra.Command, loaded *system.Loaded, _ []string) error {
	settings := loaded.Effective()
	return show(cmd, settings, func(table io.Writer) {
		for _, s := range settings {
			fmt.Fprintf(table, "%s:\t%s\t# %s", s.Key, s.Value, s.Source)
			if s.Value != s.Default {
				fmt.Fprintf(table, "; the default is %s", s.Default)
			}
			fmt.Fprintln(table)
		}
	})
}
