package internal

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/pki"
)

// Renew gives the calling workload its next certificate.
func (s *Service) Renew(ctx context.Context, r sts.CertificateRequest) (sts.Certificate, error) {
	return s.issueWorkload(ctx, identity.From(ctx).Caller, r.Request, func(database.Tx) error { return nil })
}

// publicLifetime is that of the public listener's certificates. They are renewed at half of it, so that monitors and
// scanners, which warn of less than 60 days, always see more; browsers accept 398 (CA/Browser Forum, 6.3.2).
const publicLifetime = 180 * 24 * time.Hour

// ServerCertificate gives the gateway a certificate for the public listener, which is nobody's identity.
func (s *Service) ServerCertificate(ctx context.Context, r sts.CertificateRequest) (sts.Certificate, error) {
	return s.issue(ctx, identity.From(ctx).Caller, public, func(root *pki.Authority) (*x509.Certificate, error) {
		return root.IssueServer(r.Request, s.PublicHosts, s.Now(), publicLifetime)
	}, func(database.Tx) error { return nil })
}

// issueWorkload is [Service.issue] for the workload's own identity.
func (s *Service) issueWorkload(ctx context.Context, workload string, request []byte, also func(database.Tx) error) (sts.Certificate, error) {
	return s.issue(ctx, workload, workloads, func(root *pki.Authority) (*x509.Certificate, error) {
		return root.IssueWorkload(request, workload, s.Now(), s.CertificateTTL)
	}, also)
}

// issue signs a certificate for a workload and keeps a record of it; also does what belongs to it, in one transaction. The
// log shows what was issued, and what was refused.
func (s *Service) issue(ctx context.Context, workload string, p purpose, sign func(*pki.Authority) (*x509.Certificate, error), also func(database.Tx) error) (sts.Certificate, error) {
	state, err := s.state(ctx)
	if err != nil {
		return s.refuseCertificate(ctx, workload, err)
	}
	root := state.roots[p]
	leaf, err := sign(root.by)
	if errors.Is(err, pki.ErrRequest) {
		err = fault.New(fault.InvalidArgument, "The certificate cannot be granted: %v.", err)
	}
	if err != nil {
		return s.refuseCertificate(ctx, workload, err)
	}
	now := s.Now()
	if err := s.Store.Write(ctx, func(tx database.Tx) error {
		if err := also(tx); err != nil {
			return err
		}
		if err := mayHaveCertificate(tx, workload, now); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO certificates (serial, workload, issued_at, expires_at) VALUES ($1, $2, $3, $4)`,
			pki.Serial(leaf), workload, now, leaf.NotAfter)
		return err
	}); err != nil {
		return s.refuseCertificate(ctx, workload, err)
	}
	s.Log.InfoContext(ctx, "a certificate was issued", "workload", workload, "serial", pki.Serial(leaf), "until", leaf.NotAfter.UTC().Format(time.RFC3339),
		"caller", identity.From(ctx).Caller)
	return sts.Certificate{Chain: [][]byte{leaf.Raw, root.by.Certificate().Raw}, Roots: root.trusted}, nil
}

// refuseCertificate logs a refusal: a join token that does not hold may be one that somebody else has used before.
func (s *Service) refuseCertificate(ctx context.Context, workload string, err error) (sts.Certificate, error) {
	shown := fmt.Sprintf("%.64s", workload) // an anonymous caller's word
	s.refusals.Log(ctx, slog.LevelWarn, "a certificate was refused", "workload", shown, "caller", identity.From(ctx).Caller, "cause", err.Error())
	return sts.Certificate{}, err
}

// maxCertificates is how many certificates of one workload may hold at a time: more than all its processes need. What
// is announced after the removal of a workload has the number of each.
const maxCertificates = 1000

// mayHaveCertificate refuses a workload that was removed, or asks for certificates without end.
func mayHaveCertificate(tx database.Tx, workload string, now time.Time) error {
	var removed bool
	var holding int
	err := tx.QueryRow(`SELECT COALESCE((SELECT removed FROM workloads WHERE name = $1), 0),
		(SELECT COUNT(*) FROM certificates WHERE workload = $1 AND revoked_at IS NULL AND expires_at > $2)`, workload, now).Scan(&removed, &holding)
	switch {
	case err != nil:
		return err
	case removed:
		return fault.New(fault.PermissionDenied, "%s was removed; `app certs join-token %s` lets it in again.", workload, workload)
	case holding >= maxCertificates:
		limit := fault.New(fault.RateLimited, "%s has %d certificates that hold, and needs no more.", workload, holding)
		limit.RetryAfter = time.Hour
		return limit
	}
	return nil
}

// ListCertificates implements [sts.Operators].
func (o Operators) ListCertificates(ctx context.Context, _ sts.ListRequest) (sts.Certificates, error) {
	now := o.Now()
	return database.Read(ctx, o.Store, func(tx database.Tx) (list sts.Certificates, err error) {
		for _, p := range []purpose{workloads, public} {
			roots, err := listKeys(tx, p, now)
			if err != nil {
				return list, err
			}
			list.Roots = append(list.Roots, roots...)
		}
		list.Certificates, err = database.Collect(tx, func(row database.Row) (c sts.IssuedCertificate, err error) {
			err = row.Scan(&c.Serial, &c.Workload, &c.Issued, &c.Expires, &c.Revoked)
			return c, err
		}, `SELECT serial, workload, issued_at, expires_at, revoked_at IS NOT NULL FROM certificates WHERE expires_at > $1 ORDER BY workload, issued_at`, now)
		if err != nil {
			return list, err
		}
		removed, err := database.Collect(tx, func(row database.Row) (name string, err error) {
			err = row.Scan(&name)
			return name, err
		}, `SELECT name FROM workloads WHERE removed = 1 ORDER BY name`)
		list.Removed = append([]string{}, removed...) // a list also where it is empty
		return list, err
	})
}

// RenewCertificates implements [sts.Operators]. The times in a certificate are whole seconds: one from this second may be
// from before, and is renewed as well.
func (o Operators) RenewCertificates(ctx context.Context, r sts.WorkloadRequest) (done sts.Done, err error) {
	before := o.Now().Truncate(time.Second).Add(time.Second)
	return done, o.Store.Write(ctx, func(tx database.Tx) error {
		var removed bool
		if err := tx.QueryRow(`SELECT COALESCE((SELECT removed FROM workloads WHERE name = $1), 0)`, r.Workload).Scan(&removed); err != nil {
			return err
		}
		if removed {
			return fault.Conflicting(sts.WorkloadRemoved, "%s was removed and gets no certificate; `app certs join-token %s` lets it in again", r.Workload, r.Workload)
		}
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
		return fault.New(fault.NotFound, "there is no workload %q; they are the modules: %s", workload, strings.Join(o.Modules, ", "))
	}
	return err
}
