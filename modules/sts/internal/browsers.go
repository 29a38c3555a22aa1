package internal

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/secret"
)

const (
	// knownFor is how long after its last sign-in a browser is known to a name.
	knownFor = 180 * 24 * time.Hour
	// maxKnown is how many browsers are known to a name: more than anybody uses. The one that signed in longest ago is forgotten.
	maxKnown = 20
	// maxNames is for how many names a browser keeps that it is known to them: those of a household.
	maxNames = 4
)

// known is what a browser shows to prove that somebody has signed in with it before: a random reference for each name. A
// reference says nothing about whoever holds it, and is good for one thing: to be throttled by itself, and not with strangers.
type known []string

// knownOf is what a browser shows.
func knownOf(r *http.Request) known {
	cookie, err := r.Cookie(sts.KnownCookie)
	if err != nil {
		return nil
	}
	references := strings.SplitN(cookie.Value, ".", maxNames+1)
	return slices.DeleteFunc(references[:min(len(references), maxNames)], func(r string) bool { return r == "" })
}

// setKnown has the browser keep it: longer than the session, and after signing out. Strict: only our own forms use it.
func setKnown(w http.ResponseWriter, k known) {
	http.SetCookie(w, &http.Cookie{
		Name: sts.KnownCookie, Value: strings.Join(k, "."), Path: "/", MaxAge: int(knownFor / time.Second),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// findKnown gives the digest of the reference that is the name's, or "": another name's is worth nothing.
func findKnown(tx database.Tx, name string, k known, now time.Time) (found string, err error) {
	for _, reference := range k {
		stored := digest(reference)
		_, is, err := database.Find(tx, database.Column[int], `SELECT 1 FROM known_browsers WHERE digest = $1 AND user_name = $2 AND expires_at > $3`, stored, name, now)
		if err != nil || is {
			return stored, err
		}
	}
	return "", nil
}

// newReference is a reference that nobody can guess: 128 random bits.
func newReference() secret.Text { return secret.Text(rand.Text()) }

// keepKnown makes the browser known to a name that has just signed in: by the reference of that digest, where it is still
// there, else by the fresh one, and says which it is.
func keepKnown(tx database.Tx, name, stored string, fresh secret.Text, now time.Time) (isFresh bool, err error) {
	kept, err := tx.Exec(`UPDATE known_browsers SET expires_at = $1 WHERE digest = $2 AND user_name = $3 AND expires_at > $4`, now.Add(knownFor), stored, name, now)
	if err != nil || kept == 1 {
		return false, err
	}
	if _, err := tx.Exec(`INSERT INTO known_browsers (digest, user_name, expires_at) VALUES ($1, $2, $3)`, digest(fresh.Reveal()), name, now.Add(knownFor)); err != nil {
		return false, err
	}
	_, err = tx.Exec(`DELETE FROM known_browsers WHERE user_name = $1 AND digest NOT IN
		(SELECT digest FROM known_browsers WHERE user_name = $1 ORDER BY expires_at DESC, digest LIMIT $2)`, name, maxKnown)
	return true, err
}

// with adds a reference, and leaves out the oldest where there are too many.
func (k known) with(reference secret.Text) known {
	k = append(slices.Clone(k), reference.Reveal())
	return k[max(0, len(k)-maxNames):]
}
