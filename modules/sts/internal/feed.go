package internal

import (
	"context"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/trust/exchange"
)

// Keys gives the public keys.
func (s *Service) Keys(ctx context.Context, _ sts.KeysRequest) (sts.KeySet, error) {
	feed, err := s.Feed(ctx, sts.FeedRequest{})
	return sts.KeySet{JWKS: feed.JWKS}, err
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

// revocationMemory is how long a revoked user is told of: until the last token that was issued before has expired, also
// one from before the lifetimes were configured to be shorter, by a clock that is a little behind.
const revocationMemory = exchange.MaxLifetime + time.Minute

// revokeSubject has the tokens of a user stop to hold that were issued until now. The time is kept in milliseconds, and is
// the next whole one: of the tokens of this millisecond none may be left, and whoever gets one too many takes another.
func revokeSubject(tx database.Tx, subject string, now time.Time) error {
	_, err := tx.Exec(`INSERT INTO revocations (subject, revoked_at) VALUES ($1, $2)
		ON CONFLICT (subject) DO UPDATE SET revoked_at = excluded.revoked_at`, subject, now.Add(time.Millisecond))
	return err
}

// revokeAgain moves a revocation past the commit of what it follows from: while that was being written, a credential could
// still be exchanged for a token that was issued after the revocation was dated.
func revokeAgain(ctx context.Context, store database.Store, subject string, now time.Time) error {
	return store.Write(ctx, func(tx database.Tx) error { return revokeSubject(tx, subject, now) })
}

// revokedAt is when the tokens of a user were revoked last, zero where they were not.
func revokedAt(tx database.Tx, subject string) (time.Time, error) {
	at, _, err := database.Find(tx, database.Column[time.Time], `SELECT revoked_at FROM revocations WHERE subject = $1`, subject)
	return at, err
}

// renewals say by workload which certificates are to be renewed at once: those from before the root that signs now, and
// those that an operator wants renewed.
func renewals(tx database.Tx, signs time.Time) (map[string]time.Time, error) {
	before, err := timesByName(tx, `SELECT name, renew_before FROM workloads`)
	for name, asked := range before {
		if asked.Before(signs) {
			before[name] = signs
		}
	}
	return before, err
}

// timesByName runs a query for names with a time each.
func timesByName(tx database.Tx, query string, args ...any) (map[string]time.Time, error) {
	times := map[string]time.Time{}
	_, err := database.Collect(tx, func(row database.Row) (name string, err error) {
		var at time.Time
		err = row.Scan(&name, &at)
		times[name] = at
		return name, err
	}, query, args...)
	return times, err
}
