package systemtest

import (
	stshost "oms/modules/sts/host"

	"context"
	"log/slog"
	"time"

	"oms/modules/sts"
	"oms/modules/system"
	"oms/platform/database/sqlite"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/secret"
)

// store opens a module's database beside the running system.
func (d *deployment) store(module string) *sqlite.DB {
	d.Helper()
	db, err := sqlite.OpenBeside(context.Background(), system.DatabaseOptions(d.config, module, slog.New(slog.DiscardHandler)))
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { _ = db.Close() })
	return db
}

// operators do what they do at the command line.
func (d *deployment) operators() rpc.Conn {
	d.Helper()
	operators, err := stshost.Administer(stshost.OperatorOptions{
		Store: d.store("sts"), Observer: rpctest.Observe(d, sts.OperatorOperations.Operations()), Now: time.Now, Demo: d.config.Demo.Enabled,
		Domain: d.config.Trust.Domain, PublicHosts: d.config.PublicHosts(),
		KeyEncryptionKeyFile: system.SettingsOf[stshost.Settings](d.config, "sts").KeyEncryptionKeyFile,
	})
	if err != nil {
		d.Fatal(err)
	}
	return operators
}

// setDisabled locks a user out, or lets it in again.
func (d *deployment) setDisabled(user string, disabled bool) {
	d.Helper()
	if _, err := sts.SetUserDisabled.Call(d.Context(), d.operators(), sts.SetUserDisabledRequest{User: user, Disabled: disabled}); err != nil {
		d.Fatal(err)
	}
}

// signOutUser ends a user's sessions.
func (d *deployment) signOutUser(user string) {
	d.Helper()
	if _, err := sts.SignOutUser.Call(d.Context(), d.operators(), sts.SignOutUserRequest{User: user}); err != nil {
		d.Fatal(err)
	}
}

// rotateRoot publishes next roots.
func (d *deployment) rotateRoot(announcement, overlap time.Duration) {
	d.Helper()
	if _, err := sts.RotateRoot.Call(d.Context(), d.operators(), sts.RotateRootRequest{Announcement: announcement, Overlap: overlap}); err != nil {
		d.Fatal(err)
	}
}

// removeWorkload takes a workload's certificates away.
func (d *deployment) removeWorkload(workload string) {
	d.Helper()
	if _, err := sts.RemoveWorkload.Call(d.Context(), d.operators(), sts.WorkloadRequest{Workload: workload}); err != nil {
		d.Fatal(err)
	}
}

// joinToken lets a workload in.
func (d *deployment) joinToken(workload string) secret.Text {
	d.Helper()
	join, err := sts.CreateJoinToken.Call(d.Context(), d.operators(), sts.WorkloadRequest{Workload: workload})
	if err != nil {
		d.Fatal(err)
	}
	return join.Token
}
