package command

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/modules/system"
	"oms/platform/database/sqlite"
	"oms/platform/fault"
	"oms/platform/rpc"
)

// administer opens the STS's database beside a server that may be running, and runs do on it.
func (a *app) administer(cmd *cobra.Command, do func(context.Context, system.Config, sts.Operators) error) (err error) {
	loaded, err := a.load(nil)
	if err != nil {
		return err
	}
	db, err := sqlite.OpenBeside(cmd.Context(), system.DatabaseOptions(loaded.Config, "sts", quiet(cmd.ErrOrStderr())))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var last lastFailure
	operators, err := stshost.Administer(stshost.OperatorOptions{
		Store: db, Observer: &last, Now: time.Now, Demo: loaded.Config.Demo.Enabled, Domain: loaded.Config.Trust.Domain, Modules: moduleNames(),
	})
	if err != nil {
		return err
	}
	return last.told(do(cmd.Context(), loaded.Config, operators))
}

// lastFailure keeps how the last call failed that did, with the cause: the operator is its own log.
type lastFailure struct {
	mu  sync.Mutex
	err error
}

// Observe implements [rpc.Observer].
func (l *lastFailure) Observe(_ context.Context, r rpc.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Err != nil {
		l.err = r.Err
	}
}

// told is an error as the operator reads it: what was refused is a sentence, and of everything else the cause is told.
func (l *lastFailure) told(err error) error {
	var failure *fault.Error
	if !errors.As(err, &failure) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch failure.Code {
	case fault.Canceled:
		return context.Canceled
	case fault.Internal, fault.Unavailable, fault.DeadlineExceeded:
		return cmp.Or(l.err, err)
	default:
		return errors.New(failure.Detail)
	}
}
