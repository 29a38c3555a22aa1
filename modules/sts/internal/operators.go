package internal

import (
	"context"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/rpc"
)

// OperatorOptions are what operators need.
type OperatorOptions struct {
	Store    database.Store
	Observer rpc.Observer
	Now      func() time.Time
	Demo     bool     // demo accounts are good
	Domain   string   // the trust domain
	Modules  []string // of the installation, as operators are told of them
}

// Operators implements [sts.Operators] on the database of the STS. It is safe for concurrent use.
type Operators struct {
	OperatorOptions
	hasher *Hasher
}

var _ sts.Operators = Operators{}

// NewOperators makes it.
func NewOperators(o OperatorOptions) Operators { return Operators{o, NewHasher()} }

// AddUser implements [sts.Operators].
func (o Operators) AddUser(ctx context.Context, r sts.AddUserRequest) (done sts.Done, err error) {
	user := sts.User{Name: r.Name, FullName: r.FullName, Email: r.Email, Scopes: r.Scopes, CreatedAt: o.Now()}
	if err := checkUser(user); err != nil {
		return done, fault.New(fault.InvalidArgument, "%v", err)
	}
	hash, err := o.hasher.Hash(ctx, r.Password)
	if err != nil {
		return done, err
	}
	return done, o.Store.Write(ctx, func(tx database.Tx) error {
		added, err := insertUser(tx, user, hash)
		if err == nil && !added {
			return fault.Conflicting("user-exists", "there is a user %q already; names are never reused", r.Name)
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
	return done, o.changeUser(ctx, r.User, `UPDATE users SET password = $1, updated_at = $2 WHERE name = $3`, hash.Reveal())
}

// SetUserDisabled implements [sts.Operators].
func (o Operators) SetUserDisabled(ctx context.Context, r sts.SetUserDisabledRequest) (done sts.Done, err error) {
	return done, o.changeUser(ctx, r.User, `UPDATE users SET disabled = $1, updated_at = $2 WHERE name = $3`, r.Disabled)
}

// changeUser sets one thing of one user and ends the user's sessions: the statement takes the value, the time and the name.
func (o Operators) changeUser(ctx context.Context, name, statement string, value any) error {
	if err := o.Store.Write(ctx, func(tx database.Tx) error {
		changed, err := tx.Exec(statement, value, o.Now(), name)
		switch {
		case err != nil:
			return err
		case changed == 0:
			return noUser(name)
		}
		return endSessions(tx, name, o.Now())
	}); err != nil {
		return err
	}
	return revokeAgain(ctx, o.Store, name, o.Now())
}

func noUser(name string) error {
	return fault.New(fault.NotFound, "there is no user %q; `app users list` shows them all", name)
}
