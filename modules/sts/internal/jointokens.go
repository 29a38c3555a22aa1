package internal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
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
	return s.issueWorkload(ctx, workload, r.Request, func(tx database.Tx) error {
		if err := s.checkJoinToken(tx, workload, digest); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM join_tokens WHERE digest = $1`, digest) // it holds once
		return err
	})
}

func (s *Service) checkJoinToken(tx database.Tx, workload, digest string) error {
	_, holds, err := database.Find(tx, database.Column[int], `SELECT 1 FROM join_tokens WHERE digest = $1 AND workload = $2 AND expires_at > $3`, digest, workload, s.Now())
	if err == nil && !holds {
		return fault.New(fault.Unauthenticated, "The join token does not hold: it was used, it has expired, or it is not one of this STS. Get another with `app certs join-token MODULE`.")
	}
	return err
}

// readJoinToken takes WORKLOAD.RANDOM.FINGERPRINT apart. Only a digest of what is random is ever compared.
func readJoinToken(text secret.Text) (workload, digest string) {
	workload, rest, _ := strings.Cut(text.Reveal(), ".")
	random, _, _ := strings.Cut(rest, ".")
	sum := sha256.Sum256([]byte(random))
	return workload, hex.EncodeToString(sum[:])
}

// CreateJoinToken implements [sts.Operators].
func (o Operators) CreateJoinToken(ctx context.Context, r sts.WorkloadRequest) (sts.JoinToken, error) {
	random := rand.Text()
	token, err := database.Write(ctx, o.Store, func(tx database.Tx) (secret.Text, error) {
		token, err := insertJoinToken(tx, r.Workload, random, false, o.Now())
		if err != nil {
			return "", err
		}
		return token, o.changeWorkload(tx, r.Workload, `UPDATE workloads SET removed = $1 WHERE name = $2`, false)
	})
	return sts.JoinToken{Token: token}, err
}

// insertJoinToken makes a join token with the fingerprint of the root that signs now, and forgets those that have expired.
func insertJoinToken(tx database.Tx, workload, random string, left bool, now time.Time) (secret.Text, error) {
	roots, err := publishedKeys(tx, certificates, now)
	switch {
	case err != nil:
		return "", err
	case len(roots) == 0:
		return "", fault.Conflicting(neverStarted, "the STS has no private root yet; start `app serve` once")
	}
	token := secret.Text(strings.Join([]string{workload, random, roots[0].id}, "."))
	_, digest := readJoinToken(token)
	if _, err := tx.Exec(`DELETE FROM join_tokens WHERE expires_at <= $1`, now); err != nil {
		return "", err
	}
	_, err = tx.Exec(`INSERT INTO join_tokens (digest, workload, left_here, expires_at) VALUES ($1, $2, $3, $4)`, digest, workload, left, now.Add(JoinTokenLifetime))
	return token, err
}
