package command

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"oms/modules"
	stock "oms/modules/inventory/host"
	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/modules/system"
	"oms/platform/database"
	"oms/platform/database/sqlite"
	"oms/platform/fault"
	"oms/platform/rpc"
)

// operator is what a command has that changes a module's data.
type operator struct {
	rpc.Conn // for what operators do in that module
	config   system.Config
}

// operating is what such a command does.
type operating = func(*cobra.Command, operator, []string) error

// operate runs do on the STS's database: the Conn is for [sts.OperatorOperations].
func (a *app) operate(do operating) func(*cobra.Command, []string) error {
	return a.beside(sts.Name, func(c system.Config, db database.Store, o rpc.Observer) (rpc.Conn, error) {
		return stshost.Administer(stshost.OperatorOptions{
			Store: db, Observer: o, Now: time.Now, Demo: c.Demo.Enabled, Domain: c.Trust.Domain, PublicHosts: c.PublicHosts(), Modules: moduleNames(),
			Scopes:               stshost.Scopes(modules.All),
			KeyEncryptionKeyFile: system.SettingsOf[stshost.Settings](c, sts.Name).KeyEncryptionKeyFile,
		})
	}, do)
}

// operateStock runs do on the inventory's database: the Conn is for [inventory.OperatorOperations].
func (a *app) operateStock(do operating) func(*cobra.Command, []string) error {
	return a.beside(stock.Module.Name, func(_ system.Config, db database.Store, o rpc.Observer) (rpc.Conn, error) {
		return stock.Administer(stock.Operators{Store: db, Observer: o, Now: time.Now})
	}, do)
}

// beside runs do on a module's database, beside a server that may be running.
func (a *app) beside(module string, administer func(system.Config, database.Store, rpc.Observer) (rpc.Conn, error), do operating) func(*cobra.Command, []string) error {
	return a.configured(func(cmd *cobra.Command, loaded *system.Loaded, args []string) (err error) {
		db, err := sqlite.OpenBeside(cmd.Context(), system.DatabaseOptions(loaded.Config, module, quiet(cmd.ErrOrStderr())))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		var last lastFailure
		conn, err := administer(loaded.Config, db, &last)
		if err != nil {
			return err
		}
		return last.told(do(cmd, operator{conn, loaded.Config}, args))
	})
}

// lastFailure keeps how the last call failed that did, with the cause: the operator is its own log.
type lastFailure struct{ err atomic.Pointer[error] }

// Observe implements [rpc.Observer].
func (l *lastFailure) Observe(_ context.Context, r rpc.Record) {
	if r.Err != nil {
		l.err.Store(&r.Err)
	}
}

// told is an error as the operator reads it: what was refused is a sentence, and of everything else the cause is told.
func (l *lastFailure) told(err error) error {
	failure, refused := errors.AsType[*fault.Error](err)
	if !refused {
		return err
	}
	switch failure.Code {
	case fault.Canceled:
		return context.Canceled
	case fault.Internal, fault.Unavailable, fault.DeadlineExceeded:
		if cause := l.err.Load(); cause != nil {
			return *cause
		}
		return err
	default:
		return errors.New(failure.Detail)
	}
}
