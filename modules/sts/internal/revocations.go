package internal

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/trust/exchange"
)

// grantOf is the handle of a session, which tokens carry that are issued for it: a digest of what it is stored under, so
// that whoever sees a token, or what is announced, learns neither the reference nor the row.
func grantOf(stored string) string {
	sum := sha256.Sum256([]byte("grant " + stored))
	return base64.RawURLEncoding.EncodeToString(sum[:16]) // 128 bits, as the reference has
}

// revoke makes a change and revokes what was issued until then to the user that the change gives, if any: tokens that users
// bring, and what was exchanged for them. It is of the next whole millisecond: of this one's tokens none may be left.
func revoke(ctx context.Context, store database.Store, now func() time.Time, change func(database.Tx) (user string, err error)) (revoked bool, err error) {
	return datedTwice(ctx, store, change, func(tx database.Tx, user string) error {
		_, err := tx.Exec(`INSERT INTO revocations (subject, revoked_at) VALUES ($1, $2) ON CONFLICT (subject) DO UPDATE SET revoked_at =
			CASE WHEN excluded.revoked_at > revocations.revoked_at THEN excluded.revoked_at ELSE revocations.revoked_at + 1 END`, // a clock that was set back revives nothing
			user, now().Add(time.Millisecond))
		return err
	})
}

// endGrant makes a change, and ends the grant that the change gives, if any, with what was issued on the strength of it.
func endGrant(ctx context.Context, store database.Store, now func() time.Time, change func(database.Tx) (grant string, err error)) (ended bool, err error) {
	return datedTwice(ctx, store, change, func(tx database.Tx, grant string) error {
		_, err := tx.Exec(`INSERT INTO ended_grants (handle, ended_at) VALUES ($1, $2)
			ON CONFLICT (handle) DO UPDATE SET ended_at = excluded.ended_at`, grant, now().Add(time.Millisecond))
		return err
	})
}

// datedTwice makes a change and dates what it names, together, and dates it once more after the commit: while that was being
// written, a credential could still be exchanged for a token.
func datedTwice(ctx context.Context, store database.Store, change func(database.Tx) (name string, err error), date func(tx database.Tx, name string) error) (bool, error) {
	name, err := database.Write(ctx, store, func(tx database.Tx) (string, error) {
		name, err := change(tx)
		if err != nil || name == "" {
			return "", err
		}
		return name, date(tx, name)
	})
	if err != nil || name == "" {
		return false, err
	}
	return true, store.Write(ctx, func(tx database.Tx) error { return date(tx, name) })
}

// revokedAt is when the subject's tokens were revoked last; zero: never.
func revokedAt(tx database.Tx, subject string) (time.Time, error) {
	at, _, err := database.Find(tx, database.Column[time.Time], `SELECT revoked_at FROM revocations WHERE subject = $1`, subject)
	return at, err
}

const (
	// revocationMemory is how long what has ended is told of: until the last token that was issued to a workload before has
	// expired, also one from before the lifetimes were configured to be shorter, by a clock that is a little behind.
	revocationMemory = exchange.MaxLifetime + time.Minute

	// maxAnnounced is how many ended sessions, and how many revoked users, are told one by one: 100 KiB of sessions. Of what
	// ended before those, a time stands for all. So what is announced stays small, and at two minutes for a token, nobody
	// notices below 34 ends a second; above, tokens are replaced a little earlier.
	maxAnnounced = 4096
)

// readEnded reads what of all that has ended is to be announced: the latest ends, and a time for those before.
func readEnded(tx database.Tx, now time.Time, into *sts.Feed) error {
	since := now.Add(-revocationMemory)
	subjects, before, err := latestEnds(tx, `SELECT subject, revoked_at FROM revocations WHERE revoked_at > $1 ORDER BY revoked_at DESC, subject LIMIT $2`, since)
	if err != nil {
		return err
	}
	grants, beforeThose, err := latestEnds(tx, `SELECT handle, ended_at FROM ended_grants WHERE ended_at > $1 ORDER BY ended_at DESC, handle LIMIT $2`, since)
	if err != nil {
		return err
	}
	into.RevokedBefore = later(before, beforeThose)
	into.RevokedSubjects = map[string]time.Time{}
	for _, end := range subjects {
		into.RevokedSubjects[end.name] = end.at
	}
	for _, end := range grants {
		into.EndedGrants = append(into.EndedGrants, end.name)
	}
	return nil
}

// end is when something has ended.
type end struct {
	name string
	at   time.Time
}

// latestEnds runs a query for ends, the latest first, and gives those that are told one by one, and when the others had
// ended; zero where there is none.
func latestEnds(tx database.Tx, query string, since time.Time) (told []end, before time.Time, err error) {
	ends, err := database.Collect(tx, func(row database.Row) (e end, err error) {
		err = row.Scan(&e.name, &e.at)
		return e, err
	}, query, since, maxAnnounced+1)
	if len(ends) > maxAnnounced {
		return ends[:maxAnnounced], ends[maxAnnounced].at, err
	}
	return ends, time.Time{}, err
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
