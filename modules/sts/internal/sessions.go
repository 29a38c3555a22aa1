package internal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/identity"
	"oms/platform/secret"
)

// JudgeSession says who a session stands for. It is asked anew for every call: a session that has ended, or whose user
// is disabled, is worth nothing from that moment on.
func (s *Service) JudgeSession(ctx context.Context, r sts.JudgeSessionRequest) (sts.Judgement, error) {
	known, err := s.known(r.Callee)
	if err != nil {
		return sts.Judgement{}, err
	}
	user, err := s.sessionUser(ctx, r.Session)
	if err != nil {
		return sts.Judgement{}, err
	}
	if !user.good(s.Demo) {
		return sts.Judgement{}, refused()
	}
	return sts.Judgement{Subject: user.Name, FullName: user.FullName, Scopes: user.Scopes.Intersect(known)}, nil
}

// sessionUser is the zero User where the session does not hold.
func (s *Service) sessionUser(ctx context.Context, session secret.Text) (user User, err error) {
	err = s.Store.Read(ctx, func(tx database.Tx) error {
		user, err = scanUser(tx.QueryRow(selectUser+` WHERE name = (SELECT user_name FROM sessions WHERE digest = $1 AND expires_at > $2)`,
			sessionDigest(session), s.Now().UnixMilli()))
		if errors.Is(err, sql.ErrNoRows) {
			user = User{}
			return nil
		}
		return err
	})
	return user, err
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
	return session, s.Store.Write(ctx, func(tx database.Tx) error {
		if _, err := tx.Exec(`DELETE FROM sessions WHERE digest = $1 OR expires_at <= $2`, sessionDigest(before), now.UnixMilli()); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO sessions (digest, user_name, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
			sessionDigest(session), user, now.UnixMilli(), now.Add(s.SessionTTL).UnixMilli())
		return err
	})
}

// endSession ends a session everywhere.
func (s *Service) endSession(ctx context.Context, session secret.Text) error {
	return s.Store.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(`DELETE FROM sessions WHERE digest = $1`, sessionDigest(session))
		return err
	})
}

// endSessions ends all sessions of a user.
func endSessions(tx database.Tx, user string) error {
	_, err := tx.Exec(`DELETE FROM sessions WHERE user_name = $1`, user)
	return err
}

// known are the scopes that a callee's operations speak of.
func (s *Service) known(callee string) (identity.Scopes, error) {
	known, exists := s.Callees[callee]
	if !exists {
		return nil, noCallee(callee)
	}
	return known, nil
}
