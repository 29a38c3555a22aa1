package internal

import (
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/identity"
	"oms/platform/secret"
	"oms/platform/token"
)

// counts reports whether the user counts at all. The zero User does not.
func counts(u sts.User, demo bool) bool { return u.Name != "" && !u.Disabled && (demo || !u.Demo) }

// userName holds neither ":" nor "|", so that no user's name equals a client's or an external subject's.
var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

const (
	maxFullName = 200 // characters
	maxScopes   = 64
)

// checkUser says what is wrong with a user, everything at once.
func checkUser(u sts.User) error {
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
