package internal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"oms/platform/database"
	"oms/platform/identity"
	"oms/platform/issuers"
	"oms/platform/secret"
	"oms/platform/token"
)

// Administration is what operators do at the command line, beside a running service or without one. Its effects are
// in force as soon as a method returns. Its errors are sentences for the operator.
type Administration struct {
	Store  database.Store
	Now    func() time.Time
	Hasher *Hasher
	Demo   bool   // demo accounts are good
	Domain string // the trust domain
}

// AddUser adds a user.
func (a Administration) AddUser(ctx context.Context, u User, password secret.Text) error {
	if err := u.check(); err != nil {
		return err
	}
	hash, err := a.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	var added bool
	err = a.Store.Write(ctx, func(tx database.Tx) (err error) {
		added, err = insertUser(tx, u, hash, a.Now())
		return err
	})
	if err == nil && !added {
		return fmt.Errorf("there is a user %q already; names are never reused", u.Name)
	}
	return err
}

// Users lists all users by name.
func (a Administration) Users(ctx context.Context) (users []User, err error) {
	err = a.Store.Read(ctx, func(tx database.Tx) error {
		users = nil
		rows, err := tx.Query(selectUser + ` ORDER BY name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			user, err := scanUser(rows)
			if err != nil {
				return err
			}
			users = append(users, user)
		}
		return rows.Err()
	})
	return users, err
}

// SetPassword replaces a user's password and ends the user's sessions: whoever opened them may have known the old one.
func (a Administration) SetPassword(ctx context.Context, name string, password secret.Text) error {
	hash, err := a.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return a.change(ctx, name, `UPDATE users SET password = $1, updated_at = $2 WHERE name = $3`, hash.Reveal(), endSessions)
}

// SetDisabled locks a user out, or lets it in again. A disabled user's tokens and sessions stop to hold at once, and the
// sessions do not come back.
func (a Administration) SetDisabled(ctx context.Context, name string, disabled bool) error {
	return a.change(ctx, name, `UPDATE users SET disabled = $1, updated_at = $2 WHERE name = $3`, asInteger(disabled), endSessions)
}

// change sets one thing of one user, and what follows from it: the statement takes the value, the time and the name.
func (a Administration) change(ctx context.Context, name, statement string, value any, then func(database.Tx, string, time.Time) error) error {
	var changed int64
	err := a.Store.Write(ctx, func(tx database.Tx) (err error) {
		if changed, err = tx.Exec(statement, value, a.Now().UnixMilli(), name); err != nil || changed == 0 {
			return err
		}
		return then(tx, name, a.Now())
	})
	switch {
	case err != nil:
		return err
	case changed == 0:
		return noUser(name)
	}
	return revokeAgain(ctx, a.Store, name, a.Now())
}

func noUser(name string) error {
	return fmt.Errorf("there is no user %q; `app users list` shows them all", name)
}

// TokenRequest asks for an edge access token.
type TokenRequest struct {
	User     string
	Scopes   identity.Scopes // nil: all of the user's
	Lifetime time.Duration
	Issuer   string
	Audience string
}

// operatorClient is the client_id of tokens that are made at the command line.
const operatorClient = "operator"

// accessClaims are the claims of an edge access token (RFC 9068 section 2.2).
type accessClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	ID       string `json:"jti"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope,omitempty"`
}

// IssueToken makes an edge access token for a user.
func (a Administration) IssueToken(ctx context.Context, r TokenRequest) (secret.Text, error) {
	user, err := findUser(ctx, a.Store, r.User)
	switch {
	case err != nil:
		return "", err
	case user.Name == "":
		return "", noUser(r.User)
	case user.Disabled:
		return "", fmt.Errorf("the user %q is disabled; `app users enable %s` lets it in again", r.User, r.User)
	case !user.good(a.Demo):
		return "", fmt.Errorf("%q is a demo account, and demo.enabled is false", r.User)
	case r.Lifetime < time.Second || r.Lifetime > issuers.MaxOwnLifetime:
		return "", fmt.Errorf("a token lives from 1s to %v", issuers.MaxOwnLifetime)
	}
	if r.Scopes == nil {
		r.Scopes = user.Scopes
	}
	if granted := r.Scopes.Intersect(user.Scopes); len(granted) < len(r.Scopes) {
		return "", fmt.Errorf("%q has only the scopes %q", r.User, strings.Join(user.Scopes, " "))
	}
	now := a.Now()
	key, err := activeKey(ctx, a.Store, now)
	if err != nil {
		return "", err
	}
	signed, err := token.Sign(key, "at+jwt", accessClaims{
		Issuer: r.Issuer, Subject: user.Name, Audience: r.Audience, Expires: now.Add(r.Lifetime).Unix(), IssuedAt: now.Unix(),
		ID: uuid.NewString(), ClientID: operatorClient, Scope: strings.Join(r.Scopes, " "),
	})
	return secret.Text(signed), err
}
