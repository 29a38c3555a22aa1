package internal

import (
	"context"
	"log/slog"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/secret"
)

// attempt is somebody's try to sign in.
type attempt struct {
	guesser
	password secret.Text
}

// proven is a user whose password somebody has shown, as the user was when it was compared.
type proven struct {
	name  string
	stamp int64 // see [endSessions]
}

// errNotRight refuses an attempt, whatever is wrong with it.
var errNotRight = fault.New(fault.InvalidArgument, "The name or the password is not right.")

// errTooOften asks for a pause after too many failures.
func errTooOften(wait time.Duration) error {
	limited := fault.New(fault.RateLimited, "Too many attempts. Wait a few seconds, then try again.")
	limited.RetryAfter = (wait + time.Second - 1).Truncate(time.Second)
	return limited
}

// checkPassword gives the user whose name and password these are. Whatever is wrong with them, the answer is the same and so
// is the work: one read and one derivation, in the attempt's turn. An attempt counts as failed from the moment of its
// turn, so that no number of them at once is more than the throttle allows; one that is right costs nothing.
//
// Errors: invalid_argument, whatever is not right; rate_limited; unavailable where too many are waiting.
func (s *Service) checkPassword(ctx context.Context, a attempt) (proven, error) {
	if wait := s.guesses.wait(a.guesser, s.Now()); wait > 0 {
		return proven{}, errTooOften(wait)
	}
	done, err := s.hasher.turn(ctx)
	if err != nil {
		return proven{}, err
	}
	defer done()
	succeeded, wait := s.guesses.take(a.guesser, s.Now())
	if wait > 0 {
		return proven{}, errTooOften(wait)
	}
	found, err := database.Read(ctx, s.Store, func(tx database.Tx) (account, error) { return findAccount(tx, a.name) })
	if err != nil {
		succeeded() // nothing was guessed
		return proven{}, err
	}
	matches, err := s.hasher.verify(found.hash, a.password)
	switch {
	case err != nil:
		return proven{}, err
	case !matches || !counts(found.user, s.Demo):
		s.logFailure(ctx, a, found.user)
		return proven{}, errNotRight
	}
	succeeded()
	return proven{found.user.Name, found.stamp}, nil
}

// nobodysHash is what a sign-in with an unknown name is compared with: the hash of a password that nobody knows.
const nobodysHash secret.Text = "$argon2id$v=19$m=19456,t=2,p=1$VsLl0voTvRtLPLiEcNMEiw$+X1zLJopP4fuQqCk3X5bTp02trQZVO7Pdp4a7XCO73c"

// account is a user as signing in needs it; of a name that nobody has, the zero user with [nobodysHash].
type account struct {
	user  sts.User
	hash  secret.Text
	stamp int64
}

// findAccount looks a name up. What cannot be a name is looked up as none, since databases do not take every text.
func findAccount(tx database.Tx, name string) (a account, err error) {
	if sts.CheckUserName(name) != nil {
		name = ""
	}
	found, err := database.Found(tx.QueryRow(`SELECT name, disabled, demo, password, stamp FROM users WHERE name = $1`, name).
		Scan(&a.user.Name, &a.user.Disabled, &a.user.Demo, &a.hash, &a.stamp))
	if err == nil && !found {
		a = account{hash: nobodysHash}
	}
	return a, err
}

// logFailure notes a failed attempt at a user. What is nobody's name stays out of the log: people type passwords there.
func (s *Service) logFailure(ctx context.Context, a attempt, user sts.User) {
	s.failures.Log(ctx, slog.LevelWarn, "a sign-in has failed", "user", user.Name, "known_browser", a.browser != "", "from", a.address,
		"trace_id", identity.From(ctx).Transaction)
}

// stillAs refuses to go on with a user who has changed since the password was compared: disabled, with another password, or
// signed out everywhere.
func stillAs(tx database.Tx, user proven) error {
	_, same, err := database.Find(tx, database.Column[int], `SELECT 1 FROM users WHERE name = $1 AND stamp = $2 AND disabled = 0`, user.name, user.stamp)
	if err == nil && !same {
		err = errNotRight
	}
	return err
}
