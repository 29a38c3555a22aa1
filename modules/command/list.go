package command

import (
	"encoding/json"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// listing gives a command that lists something its flag for programs.
func listing(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().Bool("json", false, "print JSON")
	return cmd
}

// show prints a list: as JSON where that was asked for, else as a table whose rows and tabs rows writes.
func show(cmd *cobra.Command, list any, rows func(table io.Writer)) error {
	if asJSON, err := cmd.Flags().GetBool("json"); err != nil {
		return err
	} else if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(list)
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	rows(table)
	return table.Flush()
}
