package command

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"oms/modules/system"
)

func (a *app) config() *cobra.Command {
	return group("config", "Check or print the configuration",
		&cobra.Command{Use: "check", Short: "Say whether the configuration is good", Args: noArguments, RunE: a.configured(checkConfig)},
		&cobra.Command{Use: "print", Short: "Print every value and where it comes from", Args: noArguments, RunE: a.configured(printConfig)})
}

func checkConfig(cmd *cobra.Command, _ *system.Loaded, _ []string) error {
	_, err := fmt.Fprintln(cmd.ErrOrStderr(), "The configuration is good.")
	return err
}

func printConfig(cmd *cobra.Command, loaded *system.Loaded, _ []string) error {
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, setting := range loaded.Effective() {
		fmt.Fprintf(table, "%s:\t%s\t# %s\n", setting.Key, setting.Value, setting.Source)
	}
	return table.Flush()
}
