package internal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/secret"
)

// AuthenticateSession says who a session stands for. It is asked anew for every call: a session that has ended, or whose user
// is disabled, is worth nothing from that moment on.
func (s *Service) AuthenticateSession(ctx context.Context, r sts.AuthenticateSessionRequest) (sts.Authentication, error) {
	known, err := s.known(r.Callee)
	if err != nil {
		return sts.Authentication{}, err
	}
	user, _, err := s.authenticateSession(ctx, r.Session)
	if err != nil {
		return sts.Authentication{}, err
	}
	return sts.Authentication{Subject: user.Name, FullName: user.FullName, Scopes: user.Scopes.Intersect(known)}, nil
}

// authenticateSession gives the user of a session that holds, and when it ends.
func (s *Service) authenticateSession(ctx context.Context, session secret.Text) (user sts.User, ends time.Time, err error) {
	user, err = database.Read(ctx, s.Store, func(tx database.Tx) (sts.User, error) {
		var name string
		held, err := database.Found(tx.QueryRow(`SELECT user_name, expires_at FROM sessions WHERE digest = $1 AND expires_at > $2`,
			sessionDigest(session), s.Now()).Scan(&name, &ends))
		if err != nil || !held {
			return sts.User{}, err
		}
		return findUser(tx, name)
	})
	if err == nil && !counts(user, s.Demo) {
		err = refused()
	}
	return user, ends, err
}

// sessionDigest is under what a session is stored. The reference has 128 random bits, so it needs no salt.
func sessionDigest(session secret.Text) string {
	sum := sha256.Sum256([]byte(session.Reveal()))
	return hex.EncodeToString(sum[:])
}

// openSession begins a session of the user and ends the one that the browser had, so that a reference that somebody
// knew before the sign-in is worth nothing after it.
func (s *Service) openSession(ctx context.Context, user string, before secret.Text) (secret.Text, error) {
	session, now := secret.Text(rand.Text()), s.Now()
	if before != "" {
		if err := s.endSession(ctx, before); err != nil {
			return "", err
		}
	}
	return session, s.Store.Write(ctx, func(tx database.Tx) error {
		if _, err := tx.Exec(`DELETE FROM sessions WHERE expires_at <= $1`, now); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO sessions (digest, user_name, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
			sessionDigest(session), user, now, now.Add(s.SessionTTL))
		return err
	})
}

// endSession ends a session everywhere, and what was issued for it.
func (s *Service) endSession(ctx context.Context, session secret.Text) error {
	user, err := database.Write(ctx, s.Store, func(tx database.Tx) (string, error) {
		user, found, err := database.Find(tx, database.Column[string], `SELECT user_name FROM sessions WHERE digest = $1`, sessionDigest(session))
		if err != nil || !found {
			return "", err
		}
		if _, err := tx.Exec(`DELETE FROM sessions WHERE digest = $1`, sessionDigest(session)); err != nil {
			return "", err
		}
		return user, revokeSubject(tx, user, s.Now())
	})
	if err != nil || user == "" {
		return err
	}
	if err := revokeAgain(ctx, s.Store, user, s.Now()); err != nil {
		return err
	}
	_, err = s.refresh(ctx)
	return err
}

// endSessions ends all sessions of a user, and what was issued to workloads for that user.
func endSessions(tx database.Tx, user string, now time.Time) error {
	if _, err := tx.Exec(`DELETE FROM sessions WHERE user_name = $1`, user); err != nil {
		return err
	}
	return revokeSubject(tx, user, now)
}
