package internal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"oms/platform/database"
	"oms/platform/identity"
	"oms/platform/secret"
	"oms/platform/token"
)

// User is somebody who can sign in.
type User struct {
	Name      string // the subject of tokens and the owner of orders; never reused, never changed
	FullName  string
	Email     string
	Scopes    identity.Scopes
	Disabled  bool
	Demo      bool // good only while the demo is enabled
	CreatedAt time.Time
}

// good reports whether the user counts at all. The zero User does not.
func (u User) good(demo bool) bool { return u.Name != "" && !u.Disabled && (demo || !u.Demo) }

// userName holds neither ":" nor "|", so that no user's name equals a client's or an external subject's.
var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

const (
	maxFullName = 200 // characters
	maxScopes   = 64
)

// check says what is wrong with a user, everything at once.
func (u User) check() error {
	var problems []error
	if !userName.MatchString(u.Name) {
		problems = append(problems, errors.New("a user's name is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit"))
	}
	if utf8.RuneCountInString(u.FullName) > maxFullName || !utf8.ValidString(u.FullName) || strings.ContainsFunc(u.FullName, unicode.IsControl) {
		problems = append(problems, fmt.Errorf("a full name has at most %d characters, and no control characters", maxFullName))
	}
	if _, err := mail.ParseAddress(u.Email); u.Email != "" && err != nil {
		problems = append(problems, errors.New("the e-mail address is not one"))
	}
	if len(u.Scopes) > maxScopes {
		problems = append(problems, fmt.Errorf("a user has at most %d scopes", maxScopes))
	}
	for _, scope := range u.Scopes {
		if !token.ScopeToken(scope) {
			problems = append(problems, fmt.Errorf("%q is not a scope: printable ASCII without space, quote and backslash", scope))
		}
	}
	return errors.Join(problems...)
}

const selectUser = `SELECT name, full_name, email, scopes, disabled, demo, created_at FROM users`

type scanner interface{ Scan(into ...any) error }

func scanUser(row scanner) (User, error) {
	var u User
	var scopes string
	var created int64
	err := row.Scan(&u.Name, &u.FullName, &u.Email, &scopes, &u.Disabled, &u.Demo, &created)
	u.Scopes, u.CreatedAt = identity.NewScopes(strings.Fields(scopes)...), time.UnixMilli(created).UTC()
	return u, err
}

// findUser gives the zero User where there is none of that name.
func (s *Service) findUser(ctx context.Context, name string) (User, error) {
	return findUser(ctx, s.Store, name)
}

func findUser(ctx context.Context, store database.Store, name string) (user User, err error) {
	err = store.Read(ctx, func(tx database.Tx) error {
		user, err = findUserIn(tx, name)
		return err
	})
	return user, err
}

func findUserIn(tx database.Tx, name string) (User, error) {
	user, err := scanUser(tx.QueryRow(selectUser+` WHERE name = $1`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, nil
	}
	return user, err
}

// insertUser adds a user, unless there is one of that name already.
func insertUser(tx database.Tx, u User, password secret.Text, now time.Time) (added bool, err error) {
	rows, err := tx.Exec(`INSERT INTO users (name, full_name, email, scopes, password, disabled, demo, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $7) ON CONFLICT (name) DO NOTHING`,
		u.Name, u.FullName, u.Email, strings.Join(u.Scopes, " "), password.Reveal(), asInteger(u.Demo), now.UnixMilli())
	return rows == 1, err
}

func asInteger(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
