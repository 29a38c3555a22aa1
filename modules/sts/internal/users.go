package internal

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/issuers"
	"oms/platform/secret"
	"oms/platform/shell"
	"oms/platform/token"
)

// counts reports whether the user counts at all. The zero User does not.
func counts(u sts.User, demo bool) bool { return u.Name != "" && !u.Disabled && (demo || !u.Demo) }

const (
	maxFullName = 200 // characters
	maxScopes   = 64
)

// checkUser says what is wrong with a user, everything at once. Where known is not nil, other scopes give no right to anything.
func checkUser(u sts.User, known identity.Scopes) error {
	var problems []error
	if err := sts.CheckUserName(u.Name); err != nil {
		problems = append(problems, err)
	}
	if utf8.RuneCountInString(u.FullName) > maxFullName || !utf8.ValidString(u.FullName) || strings.ContainsFunc(u.FullName, unicode.IsControl) {
		problems = append(problems, fmt.Errorf("a full name has at most %d characters, and no control characters", maxFullName))
	}
	if _, err := mail.ParseAddress(u.Email); u.Email != "" && err != nil {
		problems = append(problems, errors.New("the e-mail address is not one"))
	}
	return errors.Join(append(problems, checkScopes(u.Scopes, known))...)
}

func checkScopes(scopes, known identity.Scopes) error {
	var problems []error
	if len(scopes) > maxScopes {
		problems = append(problems, fmt.Errorf("a user has at most %d scopes", maxScopes))
	}
	for _, scope := range scopes {
		switch {
		case !token.ScopeToken(scope):
			problems = append(problems, fmt.Errorf("%q is not a scope: printable ASCII without space, quote and backslash", scope))
		case known != nil && !known.Has(scope):
			problems = append(problems, fmt.Errorf("%q is no scope of this system, which has %s; write several with spaces between them", scope, strings.Join(known, " ")))
		}
	}
	return errors.Join(problems...)
}

// HasUsers says whether anybody can sign in.
func (s *Service) HasUsers(ctx context.Context) (bool, error) {
	return database.Read(ctx, s.Store, func(tx database.Tx) (bool, error) {
		query := `SELECT 1 FROM users WHERE disabled = 0 AND demo = 0 LIMIT 1`
		if s.Demo {
			query = `SELECT 1 FROM users WHERE disabled = 0 LIMIT 1`
		}
		_, found, err := database.Find(tx, database.Column[int], query)
		return found, err
	})
}

const selectUser = `SELECT name, full_name, email, scopes, disabled, demo, created_at FROM users`

func scanUser(row database.Row) (u sts.User, err error) {
	var scopes string
	err = row.Scan(&u.Name, &u.FullName, &u.Email, &scopes, &u.Disabled, &u.Demo, &u.CreatedAt)
	u.Scopes = identity.NewScopes(strings.Fields(scopes)...)
	return u, err
}

// findUser gives the zero User where there is none of that name.
func findUser(tx database.Tx, name string) (sts.User, error) {
	user, _, err := database.Find(tx, scanUser, selectUser+` WHERE name = $1`, name)
	return user, err
}

// insertUser adds a user, unless there is one of that name already.
func insertUser(tx database.Tx, u sts.User, password secret.Text) (added bool, err error) {
	rows, err := tx.Exec(`INSERT INTO users (name, full_name, email, scopes, password, disabled, demo, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $7) ON CONFLICT (name) DO NOTHING`,
		u.Name, u.FullName, u.Email, strings.Join(u.Scopes, " "), password.Reveal(), u.Demo, u.CreatedAt)
	return rows == 1, err
}

// AddUser implements [sts.Operators].
func (o Operators) AddUser(ctx context.Context, r sts.AddUserRequest) (done sts.Done, err error) {
	user := sts.User{Name: r.Name, FullName: r.FullName, Email: r.Email, Scopes: r.Scopes, CreatedAt: o.Now()}
	if err := checkUser(user, o.Scopes); err != nil {
		return done, fault.New(fault.InvalidArgument, "%v", err)
	}
	hash, err := o.hasher.Hash(ctx, r.Password)
	if err != nil {
		return done, err
	}
	return done, o.Store.Write(ctx, func(tx database.Tx) error {
		added, err := insertUser(tx, user, hash)
		if err == nil && !added {
			return fault.Conflicting(sts.UserExists, "there is a user %q already; names are never reused", r.Name)
		}
		return err
	})
}

// ListUsers implements [sts.Operators].
func (o Operators) ListUsers(ctx context.Context, _ sts.ListRequest) (sts.Users, error) {
	users, err := database.Read(ctx, o.Store, func(tx database.Tx) ([]sts.User, error) {
		return database.Collect(tx, scanUser, selectUser+` ORDER BY name`)
	})
	return sts.Users{Users: users}, err
}

// SetPassword implements [sts.Operators].
func (o Operators) SetPassword(ctx context.Context, r sts.SetPasswordRequest) (done sts.Done, err error) {
	hash, err := o.hasher.Hash(ctx, r.Password)
	if err != nil {
		return done, err
	}
	return done, o.changeUser(ctx, r.User, func(tx database.Tx) error {
		if _, err := tx.Exec(`DELETE FROM known_browsers WHERE user_name = $1`, r.User); err != nil { // they have shown the old one
			return err
		}
		_, err := tx.Exec(`UPDATE users SET password = $1 WHERE name = $2`, hash.Reveal(), r.User)
		return err
	})
}

// SetUserDisabled implements [sts.Operators].
func (o Operators) SetUserDisabled(ctx context.Context, r sts.SetUserDisabledRequest) (done sts.Done, err error) {
	return done, o.changeUser(ctx, r.User, func(tx database.Tx) error {
		_, err := tx.Exec(`UPDATE users SET disabled = $1 WHERE name = $2`, r.Disabled, r.User)
		return err
	})
}

// SetUserScopes implements [sts.Operators].
func (o Operators) SetUserScopes(ctx context.Context, r sts.SetUserScopesRequest) (done sts.Done, err error) {
	if err := checkScopes(r.Scopes, o.Scopes); err != nil {
		return done, fault.New(fault.InvalidArgument, "%v", err)
	}
	return done, o.Store.Write(ctx, func(tx database.Tx) error { // who has been let in keeps no right that was taken: rights are asked anew
		changed, err := tx.Exec(`UPDATE users SET scopes = $1 WHERE name = $2`, strings.Join(r.Scopes, " "), r.User)
		if err == nil && changed == 0 {
			return noUser(r.User)
		}
		return err
	})
}

// SignOutUser implements [sts.Operators].
func (o Operators) SignOutUser(ctx context.Context, r sts.SignOutUserRequest) (done sts.Done, err error) {
	return done, o.changeUser(ctx, r.User, func(database.Tx) error { return nil })
}

// changeUser changes a user, and ends what was begun before as the user.
func (o Operators) changeUser(ctx context.Context, name string, change func(database.Tx) error) error {
	_, err := revoke(ctx, o.Store, o.Now, func(tx database.Tx) (string, error) {
		if err := change(tx); err != nil {
			return "", err
		}
		return name, endSessions(tx, name, o.Now())
	})
	return err
}

func noUser(name string) error {
	return fault.New(fault.NotFound, "there is no user %q; `app users list` shows them all", name)
}

// accessClaims are the claims of an edge access token (RFC 9068 section 2.2).
type accessClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	Issued   int64  `json:"iat_ms"` // see [issuers.Bearer]
	ID       string `json:"jti"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope,omitempty"`
}

// IssueToken implements [sts.Operators].
func (o Operators) IssueToken(ctx context.Context, r sts.IssueTokenRequest) (sts.IssuedToken, error) {
	now := o.Now()
	keys, err := o.keys()
	if err != nil {
		return sts.IssuedToken{}, err
	}
	return database.Read(ctx, o.Store, func(tx database.Tx) (issued sts.IssuedToken, err error) {
		user, err := findUser(tx, r.User)
		if err == nil {
			err = o.mayHaveToken(user, r)
		}
		if err != nil {
			return issued, err
		}
		active, err := activeKey(tx, tokens, now)
		if err != nil {
			return issued, err
		}
		after, err := revokedAt(tx, r.User)
		if err != nil {
			return issued, err
		}
		at := later(now, after) // what is issued after a revocation holds, however close the two are
		key, err := keys.signingKey(active)
		if err != nil {
			return issued, err
		}
		scopes := r.Scopes
		if scopes == nil {
			scopes = user.Scopes
		}
		signed, err := token.Sign(key, "at+jwt", accessClaims{
			Issuer: r.Issuer, Subject: user.Name, Audience: r.Audience, Expires: at.Add(r.Lifetime).Unix(), IssuedAt: at.Unix(), Issued: at.UnixMilli(),
			ID: uuid.NewString(), ClientID: "operator", Scope: strings.Join(scopes, " "),
		})
		return sts.IssuedToken{Token: secret.Text(signed)}, err
	})
}

// mayHaveToken refuses a token that the user may not have; the zero user is nobody.
func (o Operators) mayHaveToken(user sts.User, r sts.IssueTokenRequest) error {
	switch {
	case user.Name == "":
		return noUser(r.User)
	case user.Disabled:
		return fault.Conflicting(sts.UserDisabled, "the user %q is disabled; `app users enable %s` lets it in again", r.User, shell.Quote(r.User))
	case !counts(user, o.Demo):
		return fault.Conflicting(sts.DemoDisabled, "%q is a demo account, and demo.enabled is false", r.User)
	case r.Lifetime < time.Second || r.Lifetime > issuers.MaxOwnLifetime:
		return fault.New(fault.InvalidArgument, "a token lives from 1s to %v", issuers.MaxOwnLifetime)
	case len(r.Scopes.Intersect(user.Scopes)) < len(r.Scopes):
		return fault.New(fault.InvalidArgument, "%q has only the scopes %q", r.User, strings.Join(user.Scopes, " "))
	}
	return nil
}
