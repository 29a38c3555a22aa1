package command

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func (a *app) config() *cobra.Command {
	check := &cobra.Command{
		Use: "check", Short: "Say whether the configuration is good", Args: noArguments,
		RunE: a.run(func(cmd *cobra.Command, _ []string) error {
			if _, err := a.load(nil); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.ErrOrStderr(), "The configuration is good.")
			return err
		}),
	}
	show := &cobra.Command{
		Use: "print", Short: "Print every value and where it comes from", Args: noArguments,
		RunE: a.run(func(cmd *cobra.Command, _ []string) error {
			loaded, err := a.load(nil)
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, setting := range loaded.Effective() {
				fmt.Fprintf(table, "%s:\t%s\t# %s\n", setting.Key, setting.Value, setting.Source)
			}
			return table.Flush()
		}),
	}
	return group("config", "Check or print the configuration", check, show)
}
