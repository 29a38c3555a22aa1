package internal

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/pki"
	"oms/platform/trust/exchange"
)

// Keys gives the public keys.
func (s *Service) Keys(ctx context.Context, _ sts.KeysRequest) (sts.KeySet, error) {
	state, err := s.state(ctx)
	if err != nil {
		return sts.KeySet{}, err
	}
	return sts.KeySet{JWKS: state.feed.JWKS}, nil
}

// Feed gives what verifiers must know, or only the version to those who have it already.
func (s *Service) Feed(ctx context.Context, r sts.FeedRequest) (sts.Feed, error) {
	state, err := s.state(ctx)
	switch {
	case err != nil:
		return sts.Feed{}, err
	case r.Have == state.feed.Version:
		return sts.Feed{Version: r.Have}, nil
	}
	return state.feed, nil
}

func rootsOf(domain string, authorities []*pki.Authority) (*pki.Roots, error) {
	list := make([]*x509.Certificate, len(authorities))
	for i, authority := range authorities {
		list[i] = authority.Certificate()
	}
	return pki.NewRoots(domain, list...)
}

// revocationMemory is how long a revoked user is told of: until the last token that was issued before has expired, also
// one from before the lifetimes were configured to be shorter, by a clock that is a little behind.
const revocationMemory = exchange.MaxLifetime + time.Minute

// revokeSubject has the tokens of a user stop to hold that were issued until now. The time is kept in milliseconds, and is
// the next whole one: of the tokens of this millisecond none may be left, and whoever gets one too many takes another.
func revokeSubject(tx database.Tx, subject string, now time.Time) error {
	before := now.UnixMilli() + 1
	_, err := tx.Exec(`INSERT INTO revocations (subject, revoked_at) VALUES ($1, $2)
		ON CONFLICT (subject) DO UPDATE SET revoked_at = excluded.revoked_at`, subject, before)
	return err
}

// revokeAgain moves a revocation past the commit of what it follows from: while that was being written, a credential could
// still be exchanged for a token that was issued after the revocation was dated.
func revokeAgain(ctx context.Context, store database.Store, subject string, now time.Time) error {
	return store.Write(ctx, func(tx database.Tx) error { return revokeSubject(tx, subject, now) })
}

// revokedAt is when the tokens of a user were revoked last, zero where they were not.
func revokedAt(tx database.Tx, subject string) (time.Time, error) {
	var at int64
	err := tx.QueryRow(`SELECT revoked_at FROM revocations WHERE subject = $1`, subject).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return time.UnixMilli(at).UTC(), err
}

// revokedSubjects gives the users whose tokens stopped to hold since the given time.
func revokedSubjects(tx database.Tx, since time.Time) (map[string]time.Time, error) {
	rows, err := tx.Query(`SELECT subject, revoked_at FROM revocations WHERE revoked_at > $1`, since.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	subjects := map[string]time.Time{}
	for rows.Next() {
		var subject string
		var at int64
		if err := rows.Scan(&subject, &at); err != nil {
			return nil, err
		}
		subjects[subject] = time.UnixMilli(at).UTC()
	}
	return subjects, rows.Err()
}
