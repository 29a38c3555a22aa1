package command

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/modules/system"
	"oms/platform/database/sqlite"
	"oms/platform/fault"
	"oms/platform/rpc"
)

// operator is what a command has that changes the STS.
type operator struct {
	rpc.Conn // for sts.OperatorOperations
	config   system.Config
}

// operate runs do on the STS's database, beside a server that may be running.
func (a *app) operate(do func(*cobra.Command, operator, []string) error) func(*cobra.Command, []string) error {
	return a.run(func(cmd *cobra.Command, args []string) (err error) {
		loaded, err := a.load(nil)
		if err != nil {
			return err
		}
		c := loaded.Config
		db, err := sqlite.OpenBeside(cmd.Context(), system.DatabaseOptions(c, sts.Name, quiet(cmd.ErrOrStderr())))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		var last lastFailure
		conn, err := stshost.Administer(stshost.OperatorOptions{
			Store: db, Observer: &last, Now: time.Now, Demo: c.Demo.Enabled, Domain: c.Trust.Domain, Modules: moduleNames(),
		})
		if err != nil {
			return err
		}
		return last.told(do(cmd, operator{conn, c}, args))
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
