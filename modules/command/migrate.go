package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"oms/modules/system"
	"oms/platform/database"
	"oms/platform/database/sqlite"
)

func (a *app) migrate() *cobra.Command {
	step := func(use, short, example string, do func(context.Context, sqlite.Options) (database.Status, error)) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: noArguments, Example: example, RunE: a.configured(func(cmd *cobra.Command, loaded *system.Loaded, _ []string) error {
			for _, module := range loaded.Config.Stateful() {
				status, err := do(cmd.Context(), system.DatabaseOptions(loaded.Config, module, quiet(cmd.ErrOrStderr())))
				if err != nil {
					return fmt.Errorf("module %s: %w", module, err)
				}
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), describe(module, status)); err != nil {
					return err
				}
			}
			return nil
		})}
	}
	return group("migrate", "Show or bring up to date the schema of the databases",
		step("status", "Show the version of each database", "app migrate status", sqlite.MigrationStatus),
		step("up", "Bring each database up to date; `app serve` does so by itself", "app migrate up", sqlite.MigrateUp))
}

func describe(module string, s database.Status) string {
	line := fmt.Sprintf("%s: version %d of %d", module, s.Current, s.Latest)
	if len(s.Pending) > 0 {
		line += ", pending " + strings.Join(s.Pending, ", ")
	}
	return line
}
