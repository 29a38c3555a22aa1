package internal

import (
	"context"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/secret"
)

// Account says what whoever is signed in may know about it.
func (s *Service) Account(ctx context.Context, r sts.AccountRequest) (sts.Account, error) {
	now := s.Now()
	return database.Read(ctx, s.Store, func(tx database.Tx) (a sts.Account, err error) {
		user, since, err := s.holder(tx, r.Session, now)
		if err != nil {
			return a, err
		}
		a = sts.Account{Name: user.Name, FullName: user.FullName, Email: user.Email, SignedInAt: since}
		err = tx.QueryRow(`SELECT COUNT(*) FROM sessions WHERE user_name = $1 AND expires_at > $2`, user.Name, now).Scan(&a.Sessions)
		return a, err
	})
}

// SignOutEverywhere ends what was begun as whoever is signed in.
func (s *Service) SignOutEverywhere(ctx context.Context, r sts.SignOutEverywhereRequest) (done sts.Done, err error) {
	now := s.Now()
	ended, err := revoke(ctx, s.Store, s.Now, func(tx database.Tx) (string, error) {
		user, _, err := s.holder(tx, r.Session, now)
		if err != nil {
			return "", err
		}
		return user.Name, endSessions(tx, user.Name, now)
	})
	if err == nil && ended {
		_, err = s.refresh(ctx)
	}
	return done, err
}

// holder gives the user whom a session stands for, and since when. One that does not hold is refused.
func (s *Service) holder(tx database.Tx, session secret.Text, now time.Time) (user sts.User, since time.Time, err error) {
	var name string
	held, err := database.Found(tx.QueryRow(`SELECT user_name, created_at FROM sessions WHERE digest = $1 AND expires_at > $2`,
		digest(session.Reveal()), now).Scan(&name, &since))
	if err == nil && held {
		user, err = findUser(tx, name)
	}
	if err == nil && !counts(user, s.Demo) {
		err = refused()
	}
	return user, since, err
}

// endSessions ends all sessions of a user, and those that somebody is about to open: the stamp tells who has compared the
// password before that it must not count any more. Errors: not_found.
func endSessions(tx database.Tx, name string, now time.Time) error {
	changed, err := tx.Exec(`UPDATE users SET stamp = stamp + 1, updated_at = $1 WHERE name = $2`, now, name)
	switch {
	case err != nil:
		return err
	case changed == 0:
		return noUser(name)
	}
	_, err = tx.Exec(`DELETE FROM sessions WHERE user_name = $1`, name)
	return err
}
