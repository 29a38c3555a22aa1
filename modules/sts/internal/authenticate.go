package internal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/secret"
	"oms/platform/trust/exchange"
)

// subject is a user that a credential has proven, with what it may do at most.
type subject struct {
	name     string
	local    bool   // it is a user of ours
	fullName string // of a user of ours
	scopes   identity.Scopes
	act      *exchange.Actor // the workloads on the way
	grant    string          // the handle of the session that the user came with, if it was one
	ends     time.Time       // when the credential does
	after    time.Time       // when the user's tokens were revoked last, which this credential has outlived; zero: never
}

// Authenticate verifies the token again and adds what only the STS knows: that its user is still there, enabled, and still
// has the rights that the token names.
func (s *Service) Authenticate(ctx context.Context, r sts.AuthenticateRequest) (sts.Authentication, error) {
	return s.authenticate(ctx, r.Callee, r.Token, s.bearer)
}

// AuthenticateSession says who a session stands for. It is asked anew for every call: a session that has ended, or whose user
// is disabled, is worth nothing from that moment on.
func (s *Service) AuthenticateSession(ctx context.Context, r sts.AuthenticateSessionRequest) (sts.Authentication, error) {
	return s.authenticate(ctx, r.Callee, r.Session, s.session)
}

// authenticate has a credential judged, and says what it allows at the callee.
func (s *Service) authenticate(ctx context.Context, callee string, credential secret.Text, judge func(context.Context, secret.Text) (subject, error)) (sts.Authentication, error) {
	known, exists := s.Callees[callee]
	if !exists {
		return sts.Authentication{}, fault.New(fault.InvalidArgument, "There is no module %q to judge a credential for.", callee)
	}
	user, err := judge(ctx, credential)
	return sts.Authentication{Subject: user.name, FullName: user.fullName, Scopes: user.scopes.Intersect(known.Scopes)}, err
}

// bearer gives whom an edge access token stands for.
func (s *Service) bearer(ctx context.Context, raw secret.Text) (subject, error) {
	state, err := s.state(ctx)
	if err != nil {
		return subject{}, err
	}
	bearer, err := s.Accepted.Verify(raw.Reveal(), state.keys, s.Now())
	if err != nil {
		return subject{}, refused().Because(err)
	}
	return s.stillGood(ctx, subject{name: bearer.Subject, local: bearer.Local, scopes: bearer.Scopes, ends: bearer.Expires}, bearer.Issued)
}

// session gives whom a session stands for that holds.
func (s *Service) session(ctx context.Context, session secret.Text) (found subject, err error) {
	stored := digest(session.Reveal())
	user, err := database.Read(ctx, s.Store, func(tx database.Tx) (sts.User, error) {
		found = subject{grant: grantOf(stored)}
		held, err := database.Found(tx.QueryRow(`SELECT user_name, expires_at FROM sessions WHERE digest = $1 AND expires_at > $2`,
			stored, s.Now()).Scan(&found.name, &found.ends))
		if err != nil || !held {
			return sts.User{}, err
		}
		if found.after, err = revokedAt(tx, found.name); err != nil {
			return sts.User{}, err
		}
		return findUser(tx, found.name)
	})
	if err != nil {
		return subject{}, err
	}
	found.scopes = user.Scopes
	return s.asNow(user, found)
}

// stillGood refuses a user who does not count any more, what was revoked since it was issued, and what was issued for a
// session that has ended; and takes what rights are gone: as of now, not as of when the state was read.
func (s *Service) stillGood(ctx context.Context, found subject, issued time.Time) (subject, error) {
	ended := false
	user, err := database.Read(ctx, s.Store, func(tx database.Tx) (user sts.User, err error) {
		if found.after, err = revokedAt(tx, found.name); err != nil {
			return user, err
		}
		if _, ended, err = database.Find(tx, database.Column[int], `SELECT 1 FROM ended_grants WHERE handle = $1`, found.grant); err != nil || !found.local {
			return user, err
		}
		return findUser(tx, found.name)
	})
	switch {
	case err != nil:
		return subject{}, err
	case ended, issued.Before(found.after):
		return subject{}, refused()
	case !found.local:
		return found, nil
	}
	return s.asNow(user, found)
}

// ours reports whether the subject of a token that we have issued to a workload is a user of ours: none has a name like another
// issuer's.
func ours(name string) bool { return !strings.Contains(name, "|") }

// asNow is a user of ours as what is known of it now leaves it. Nobody, and who does not count, is refused.
func (s *Service) asNow(user sts.User, found subject) (subject, error) {
	if !counts(user, s.Demo) {
		return subject{}, refused()
	}
	found.fullName, found.scopes = user.FullName, found.scopes.Intersect(user.Scopes)
	return found, nil
}

// refused tells whoever holds a bad token nothing about it (RFC 6750 section 3.1).
func refused() *fault.Error {
	return fault.New(fault.Unauthenticated, "The access token does not hold. Get a new one.")
}

// digest is under what a session or a join token is stored. Their references have 128 random bits, so it needs no salt.
func digest(random string) string {
	sum := sha256.Sum256([]byte(random))
	return hex.EncodeToString(sum[:])
}

// openSession begins a session of the user and ends the one that the browser had, so that a reference that somebody
// knew before the sign-in is worth nothing after it. The user is looked at again in the transaction: between the comparison
// of the password and now it may have been replaced, or the user disabled. knownAs is the digest of the reference by which
// the browser is known to the user, or "".
func (s *Service) openSession(ctx context.Context, user proven, with browser, knownAs string) (opened, error) {
	session, reference, now := newReference(), newReference(), s.Now()
	if with.session != "" {
		if err := s.endSession(ctx, with.session); err != nil {
			return opened{}, err
		}
	}
	fresh, err := database.Write(ctx, s.Store, func(tx database.Tx) (fresh bool, err error) {
		if err := stillAs(tx, user); err != nil {
			return false, err
		}
		if _, err := tx.Exec(`INSERT INTO sessions (digest, user_name, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
			digest(session.Reveal()), user.name, now, now.Add(s.SessionTTL)); err != nil {
			return false, err
		}
		return keepKnown(tx, user.name, knownAs, reference, now)
	})
	if fresh {
		with.known = with.known.with(reference)
	}
	return opened{session, with.known}, err
}

// endSession ends a session everywhere, and what was issued for it. Nothing else of its user ends.
func (s *Service) endSession(ctx context.Context, session secret.Text) error {
	stored := digest(session.Reveal())
	ended, err := endGrant(ctx, s.Store, s.Now, func(tx database.Tx) (string, error) {
		deleted, err := tx.Exec(`DELETE FROM sessions WHERE digest = $1`, stored)
		if err != nil || deleted == 0 {
			return "", err
		}
		return grantOf(stored), nil
	})
	if err == nil && ended {
		_, err = s.refresh(ctx)
	}
	return err
}
