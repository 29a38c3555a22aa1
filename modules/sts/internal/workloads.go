package internal

import (
	"context"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
)

// knowWorkloads makes a row for every module.
func knowWorkloads(tx database.Tx, callees map[string]Callee) error {
	for name := range callees {
		if _, err := tx.Exec(`INSERT INTO workloads (name) VALUES ($1) ON CONFLICT DO NOTHING`, name); err != nil {
			return err
		}
	}
	return nil
}

func (o Operators) noWorkload(name string) error {
	return fault.New(fault.NotFound, "there is no workload %q; they are the modules: %s", name, strings.Join(o.Modules, ", "))
}

// ListCertificates implements [sts.Operators].
func (o Operators) ListCertificates(ctx context.Context, _ sts.ListRequest) (sts.Certificates, error) {
	now := o.Now()
	return database.Read(ctx, o.Store, func(tx database.Tx) (list sts.Certificates, err error) {
		keys, err := publishedKeys(tx, certificates, now)
		if err != nil {
			return list, err
		}
		for _, k := range keys {
			list.Roots = append(list.Roots, sts.Root{Fingerprint: k.id, State: k.stateAt(now, keys[0].id), Activates: k.activates, Retires: k.retires})
		}
		list.Certificates, err = database.Collect(tx, scanCertificate, `SELECT serial, workload, issued_at, expires_at, revoked_at IS NOT NULL FROM certificates
			WHERE expires_at > $1 ORDER BY workload, issued_at`, now)
		return list, err
	})
}

func scanCertificate(row database.Row) (c sts.IssuedCertificate, err error) {
	err = row.Scan(&c.Serial, &c.Workload, &c.Issued, &c.Expires, &c.Revoked)
	return c, err
}

// RenewCertificates implements [sts.Operators]. The times in a certificate are whole seconds: one from this second may be
// from before, and is renewed as well.
func (o Operators) RenewCertificates(ctx context.Context, r sts.WorkloadRequest) (done sts.Done, err error) {
	before := o.Now().Truncate(time.Second).Add(time.Second)
	return done, o.Store.Write(ctx, func(tx database.Tx) error {
		return o.changeWorkload(tx, r.Workload, `UPDATE workloads SET renew_before = $1 WHERE name = $2 OR $2 = ''`, before)
	})
}

// RemoveWorkload implements [sts.Operators].
func (o Operators) RemoveWorkload(ctx context.Context, r sts.WorkloadRequest) (done sts.Done, err error) {
	return done, o.Store.Write(ctx, func(tx database.Tx) error {
		if err := o.changeWorkload(tx, r.Workload, `UPDATE workloads SET removed = $1 WHERE name = $2`, true); err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE certificates SET revoked_at = $1 WHERE workload = $2 AND revoked_at IS NULL`, o.Now(), r.Workload); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM join_tokens WHERE workload = $1`, r.Workload)
		return err
	})
}

// changeWorkload sets one thing of a workload: the statement takes the value and the name.
func (o Operators) changeWorkload(tx database.Tx, workload, statement string, value any) error {
	changed, err := tx.Exec(statement, value, workload)
	if err == nil && changed == 0 {
		return o.noWorkload(workload)
	}
	return err
}
