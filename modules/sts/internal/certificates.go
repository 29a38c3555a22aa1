package internal

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
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

// ServerCertificate gives the gateway a certificate for the public listener, which is nobody's identity.
func (s *Service) ServerCertificate(ctx context.Context, r sts.CertificateRequest) (sts.Certificate, error) {
	return s.issue(ctx, identity.From(ctx).Caller, func(authority *pki.Authority) (*x509.Certificate, error) {
		return authority.IssueServer(r.Request, s.PublicHosts, s.Now(), s.CertificateTTL)
	}, func(database.Tx) error { return nil })
}

// issueWorkload is [Service.issue] for the workload's own identity.
func (s *Service) issueWorkload(ctx context.Context, workload string, request []byte, also func(database.Tx) error) (sts.Certificate, error) {
	return s.issue(ctx, workload, func(authority *pki.Authority) (*x509.Certificate, error) {
		return authority.IssueWorkload(request, workload, s.Now(), s.CertificateTTL)
	}, also)
}

// issue signs a certificate for a workload, which the log shows, and also a refusal.
func (s *Service) issue(ctx context.Context, workload string, sign func(*pki.Authority) (*x509.Certificate, error), also func(database.Tx) error) (sts.Certificate, error) {
	leaf, answer, err := s.grant(ctx, workload, sign, also)
	if err != nil {
		s.refusedCertificate(ctx, workload, err)
		return sts.Certificate{}, err
	}
	s.Log.InfoContext(ctx, "a certificate was issued", "workload", workload, "serial", pki.Serial(leaf), "until", leaf.NotAfter.UTC().Format(time.RFC3339),
		"caller", identity.From(ctx).Caller)
	return answer, nil
}

// refusedCertificate logs a refusal: a join token that does not hold may be one that somebody else has used before.
func (s *Service) refusedCertificate(ctx context.Context, workload string, err error) {
	shown := fmt.Sprintf("%.64s", workload) // an anonymous caller's word
	s.refusals.Log(ctx, slog.LevelWarn, "a certificate was refused", "workload", shown, "caller", identity.From(ctx).Caller, "cause", err.Error())
}

// maxCertificates is how many certificates of one workload may hold at a time: more than all its processes need. What
// is announced after the removal of a workload has the number of each.
const maxCertificates = 1000

// grant signs a certificate and keeps a record of it; also does what belongs to it, in one transaction.
func (s *Service) grant(ctx context.Context, workload string, sign func(*pki.Authority) (*x509.Certificate, error), also func(database.Tx) error) (leaf *x509.Certificate, answer sts.Certificate, err error) {
	state, err := s.state(ctx)
	if err != nil {
		return nil, answer, err
	}
	leaf, err = sign(state.authority)
	switch {
	case errors.Is(err, pki.ErrRequest):
		return nil, answer, fault.New(fault.InvalidArgument, "The certificate cannot be granted: %v.", err)
	case err != nil:
		return nil, answer, err
	}
	now := s.Now()
	err = s.Store.Write(ctx, func(tx database.Tx) error {
		if err := also(tx); err != nil {
			return err
		}
		if err := mayHaveCertificate(tx, workload, now); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM certificates WHERE expires_at <= $1`, now); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO certificates (serial, workload, issued_at, expires_at) VALUES ($1, $2, $3, $4)`,
			pki.Serial(leaf), workload, now, leaf.NotAfter)
		return err
	})
	if err != nil {
		return nil, answer, err
	}
	return leaf, sts.Certificate{Chain: [][]byte{leaf.Raw, state.authority.Certificate().Raw}, Roots: state.feed.Roots}, nil
}

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
