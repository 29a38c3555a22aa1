package internal

import (
	"context"
	"crypto/x509"
	"errors"
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
	workload := identity.From(ctx).Caller
	return s.issue(ctx, workload, func(authority *pki.Authority) (*x509.Certificate, error) {
		return authority.IssueWorkload(r.Request, workload, s.Now(), s.CertificateTTL)
	}, nil)
}

// ServerCertificate gives the gateway a certificate for the public listener, which is nobody's identity.
func (s *Service) ServerCertificate(ctx context.Context, r sts.CertificateRequest) (sts.Certificate, error) {
	return s.issue(ctx, identity.From(ctx).Caller, func(authority *pki.Authority) (*x509.Certificate, error) {
		return authority.IssueServer(r.Request, s.PublicHosts, s.Now(), s.CertificateTTL)
	}, nil)
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
	if len(workload) > maxLoggedName {
		workload = workload[:maxLoggedName] // a stranger's word
	}
	s.refusals.Tell(ctx, slog.LevelWarn, "a certificate was refused", "workload", workload, "caller", identity.From(ctx).Caller, "cause", err.Error())
}

const (
	maxLoggedName = 64
	// maxCertificates is how many certificates of one workload may hold at a time: more than all its processes need. What
	// is announced after the removal of a workload has the number of each.
	maxCertificates = 1000
)

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
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		if err := mayHaveCertificate(tx, workload, now); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM certificates WHERE expires_at <= $1`, now.UnixMilli()); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO certificates (serial, workload, issued_at, expires_at) VALUES ($1, $2, $3, $4)`,
			pki.Serial(leaf), workload, now.UnixMilli(), leaf.NotAfter.UnixMilli())
		return err
	})
	if err != nil {
		return nil, answer, err
	}
	return leaf, sts.Certificate{Chain: [][]byte{leaf.Raw, state.authority.Certificate().Raw}, Roots: state.feed.Roots}, nil
}

// mayHaveCertificate refuses a workload that was removed, or asks for certificates without end.
func mayHaveCertificate(tx database.Tx, workload string, now time.Time) error {
	var removed int64
	err := tx.QueryRow(`SELECT COALESCE(MAX(removed), 0) FROM workloads WHERE name = $1`, workload).Scan(&removed)
	if err == nil && removed != 0 {
		return fault.New(fault.PermissionDenied, "%s was removed; `app certs join-token %s` lets it in again.", workload, workload)
	}
	if err != nil {
		return err
	}
	var holding int64
	err = tx.QueryRow(`SELECT COUNT(*) FROM certificates WHERE workload = $1 AND revoked_at IS NULL AND expires_at > $2`, workload, now.UnixMilli()).Scan(&holding)
	if err == nil && holding >= maxCertificates {
		limit := fault.New(fault.RateLimited, "%s has %d certificates that hold, and needs no more.", workload, holding)
		limit.RetryAfter = time.Hour
		return limit
	}
	return err
}

// revokedCertificates are those that were revoked and have not expired.
func revokedCertificates(tx database.Tx, now time.Time) (serials []string, err error) {
	rows, err := tx.Query(`SELECT serial FROM certificates WHERE revoked_at IS NOT NULL AND expires_at > $1 ORDER BY serial`, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var serial string
		if err := rows.Scan(&serial); err != nil {
			return nil, err
		}
		serials = append(serials, serial)
	}
	return serials, rows.Err()
}

// renewals say by workload which certificates are to be renewed at once: those from before the root that signs now, and
// those that an operator wants renewed.
func renewals(tx database.Tx, signs time.Time) (map[string]time.Time, error) {
	rows, err := tx.Query(`SELECT name, renew_before FROM workloads`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	before := map[string]time.Time{}
	for rows.Next() {
		var name string
		var asked int64
		if err := rows.Scan(&name, &asked); err != nil {
			return nil, err
		}
		before[name] = time.UnixMilli(max(asked, signs.UnixMilli())).UTC()
	}
	return before, rows.Err()
}

// Certificate is a certificate that was issued and has not expired, as operators see it.
type Certificate struct {
	Serial   string
	Workload string
	Issued   time.Time
	Expires  time.Time
	Revoked  bool
}

// Root is a private root that is trusted.
type Root struct {
	Fingerprint string
	State       KeyState
	Activates   time.Time
	Retires     time.Time // zero where nothing has replaced it
}

// Certificates lists the roots that are trusted and the certificates that have not expired.
func (a Administration) Certificates(ctx context.Context) (roots []Root, list []Certificate, err error) {
	now := a.Now()
	err = a.Store.Read(ctx, func(tx database.Tx) error {
		roots, list = nil, nil
		keys, err := publishedKeys(tx, certificates, now)
		if err != nil {
			return err
		}
		for _, k := range keys {
			roots = append(roots, Root{k.id, k.stateAt(now, keys[0].id), k.activates, k.retires})
		}
		rows, err := tx.Query(`SELECT serial, workload, issued_at, expires_at, revoked_at IS NOT NULL FROM certificates
			WHERE expires_at > $1 ORDER BY workload, issued_at`, now.UnixMilli())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c Certificate
			var issued, expires int64
			if err := rows.Scan(&c.Serial, &c.Workload, &issued, &expires, &c.Revoked); err != nil {
				return err
			}
			c.Issued, c.Expires = time.UnixMilli(issued).UTC(), time.UnixMilli(expires).UTC()
			list = append(list, c)
		}
		return rows.Err()
	})
	return roots, list, err
}

// RenewCertificates has the workload renew its certificates at once; every workload where the name is "". The times in a
// certificate are whole seconds: one from this second may be from before, and is renewed as well.
func (a Administration) RenewCertificates(ctx context.Context, workload string) error {
	before := a.Now().Truncate(time.Second).Add(time.Second)
	return a.changeWorkload(ctx, workload, `UPDATE workloads SET renew_before = $1 WHERE name = $2 OR $2 = ''`, before.UnixMilli())
}

// RemoveWorkload revokes all certificates of a workload, and gives it none until there is a join token for it.
func (a Administration) RemoveWorkload(ctx context.Context, workload string) error {
	return a.changeWorkload(ctx, workload, `UPDATE workloads SET removed = $1 WHERE name = $2`, 1,
		func(tx database.Tx) error {
			_, err := tx.Exec(`UPDATE certificates SET revoked_at = $1 WHERE workload = $2 AND revoked_at IS NULL`, a.Now().UnixMilli(), workload)
			return err
		},
		func(tx database.Tx) error {
			_, err := tx.Exec(`DELETE FROM join_tokens WHERE workload = $1`, workload)
			return err
		})
}

func (a Administration) changeWorkload(ctx context.Context, workload, statement string, value int64, then ...func(database.Tx) error) error {
	return a.Store.Write(ctx, func(tx database.Tx) error {
		changed, err := tx.Exec(statement, value, workload)
		if err != nil {
			return err
		}
		if changed == 0 {
			return noWorkload(workload)
		}
		for _, do := range then {
			if err := do(tx); err != nil {
				return err
			}
		}
		return nil
	})
}
