package internal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/pki"
	"oms/platform/secret"
)

// JoinTokenLifetime is how long a join token waits to be used: time to carry it to another machine.
const JoinTokenLifetime = time.Hour

// Enrol takes the join token and grants the first certificate, both or neither.
func (s *Service) Enrol(ctx context.Context, r sts.EnrolRequest) (sts.Certificate, error) {
	workload, digest := readJoinToken(r.JoinToken)
	if err := s.Store.Read(ctx, func(tx database.Tx) error { return s.checkJoinToken(tx, workload, digest) }); err != nil {
		s.refusedCertificate(ctx, workload, err)
		return sts.Certificate{}, err // before a stranger has us sign anything
	}
	return s.issue(ctx, workload, func(authority *pki.Authority) (*x509.Certificate, error) {
		return authority.IssueWorkload(r.Request, workload, s.Now(), s.CertificateTTL)
	}, func(tx database.Tx) error {
		if err := s.checkJoinToken(tx, workload, digest); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM join_tokens WHERE digest = $1`, digest) // it holds once
		return err
	})
}

func (s *Service) checkJoinToken(tx database.Tx, workload, digest string) error {
	var one int
	err := tx.QueryRow(`SELECT 1 FROM join_tokens WHERE digest = $1 AND workload = $2 AND expires_at > $3`, digest, workload, s.Now().UnixMilli()).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.Unauthenticated, "The join token does not hold: it was used, it has expired, or it is not one of this STS. Get another with `app certs join-token MODULE`.")
	}
	return err
}

func noWorkload(name string) error {
	return fmt.Errorf("there is no workload %q; they are the modules: gateway, sts, order, inventory", name)
}

// readJoinToken takes WORKLOAD.SECRET.FINGERPRINT apart. Only a digest of the secret is ever compared.
func readJoinToken(text secret.Text) (workload, digest string) {
	workload, rest, _ := strings.Cut(text.Reveal(), ".")
	words, _, _ := strings.Cut(rest, ".")
	sum := sha256.Sum256([]byte(words))
	return workload, hex.EncodeToString(sum[:])
}

// JoinToken makes a join token for a workload, and lets one in again that was removed. It carries the fingerprint of the
// root that signs now, so that whoever uses it knows the STS.
func (a Administration) JoinToken(ctx context.Context, workload string) (secret.Text, error) {
	return a.joinToken(ctx, workload, false)
}

func (a Administration) joinToken(ctx context.Context, workload string, left bool) (secret.Text, error) {
	words := rand.Text()
	token, now := "", a.Now()
	err := a.Store.Write(ctx, func(tx database.Tx) error {
		keys, err := publishedKeys(tx, certificates, now)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return errors.New("the STS has no private root yet; start `app serve` once")
		}
		token = strings.Join([]string{workload, words, keys[0].id}, ".")
		known, err := tx.Exec(`UPDATE workloads SET removed = 0 WHERE name = $1 AND (removed = 0 OR $2 = 0)`, workload, asInteger(left))
		if err != nil {
			return err
		}
		if known == 0 && left {
			return fmt.Errorf("%s was removed", workload) // in this moment
		}
		if known == 0 {
			return noWorkload(workload)
		}
		if _, err := tx.Exec(`DELETE FROM join_tokens WHERE expires_at <= $1 OR workload = $2 AND left_here = 1 AND $3 = 1`,
			now.UnixMilli(), workload, asInteger(left)); err != nil {
			return err
		}
		_, digest := readJoinToken(secret.Text(token))
		_, err = tx.Exec(`INSERT INTO join_tokens (digest, workload, left_here, expires_at) VALUES ($1, $2, $3, $4)`,
			digest, workload, asInteger(left), now.Add(JoinTokenLifetime).UnixMilli())
		return err
	})
	return secret.Text(token), err
}
