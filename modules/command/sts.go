package command

import (
	"context"
	"errors"
	"time"

	stshost "oms/modules/sts/host"
	"oms/modules/system"
	"oms/platform/database/sqlite"

	"github.com/spf13/cobra"
)

// administer opens the STS's database beside a server that may be running, and runs do on it.
func (a *app) administer(cmd *cobra.Command, do func(context.Context, system.Config, stshost.Administration) error) (err error) {
	loaded, err := a.load(nil)
	if err != nil {
		return err
	}
	db, err := sqlite.OpenBeside(cmd.Context(), system.DatabaseOptions(loaded.Config, "sts", quiet(cmd.ErrOrStderr())))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(cmd.Context(), loaded.Config, stshost.Administer(db, time.Now, loaded.Config.Demo.Enabled, loaded.Config.Trust.Domain))
}
