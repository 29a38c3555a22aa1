package internal

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"oms/modules/sts"
	"oms/platform/bounded"
	"oms/platform/database"
	"oms/platform/secret"
	"oms/web"
)

// maxForm is the longest sign-in form in bytes: a name, a password and a path, each of the longest kind, escaped.
const maxForm = 16 << 10

// afterSignIn is where somebody goes who came from nowhere.
const afterSignIn = "/ui/"

// showSignIn is the page to sign in on.
func (s *Service) showSignIn(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	return s.renderSignIn(w, r, http.StatusOK, web.SignIn{Next: localPath(query.Get("next")), Ended: query.Get("ended") == "1"})
}

func (s *Service) renderSignIn(w http.ResponseWriter, r *http.Request, status int, page web.SignIn) error {
	if s.Demo {
		page.Cards, page.Exposed = demoCards(), s.DemoRemote
	}
	return web.Render(w, r, status, "sign-in", page)
}

// signIn checks a name and a password, and begins a session. What is wrong with them is not told, nor does the time
// tell whether there is such a name.
func (s *Service) signIn(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return s.renderSignIn(w, r, http.StatusBadRequest, web.SignIn{Next: afterSignIn, Problem: "The form did not arrive whole. Try again."})
	}
	name, password := r.PostForm.Get("name"), secret.Text(r.PostForm.Get("password"))
	page := web.SignIn{Next: localPath(r.PostForm.Get("next")), Name: name}
	if wait := s.guesses.take(name, address(r), s.Now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
		page.Problem = "Too many attempts. Wait a few seconds, then try again."
		return s.renderSignIn(w, r, http.StatusTooManyRequests, page)
	}
	good, err := s.checkPassword(r.Context(), name, password)
	switch {
	case err != nil:
		return err
	case !good:
		page.Problem = "The name or the password is not right."
		return s.renderSignIn(w, r, http.StatusUnprocessableEntity, page)
	}
	s.guesses.names.give(name)
	session, err := s.openSession(r.Context(), name, sessionOf(r))
	if err != nil {
		return err
	}
	setSession(w, session.Reveal(), s.SessionTTL)
	http.Redirect(w, r, page.Next, http.StatusSeeOther)
	return nil
}

// nobodysHash is what a sign-in with an unknown name is compared with: the hash of a password that nobody knows.
const nobodysHash secret.Text = "$argon2id$v=19$m=19456,t=2,p=1$VsLl0voTvRtLPLiEcNMEiw$+X1zLJopP4fuQqCk3X5bTp02trQZVO7Pdp4a7XCO73c"

// checkPassword reports whether the password is the user's, and the user counts. A name that nobody has costs as much.
func (s *Service) checkPassword(ctx context.Context, name string, password secret.Text) (bool, error) {
	var hash secret.Text
	user, err := database.Read(ctx, s.Store, func(tx database.Tx) (user sts.User, err error) {
		hash = nobodysHash
		if user, err = findUser(tx, name); err == nil && user.Name != "" {
			hash, _, err = database.Find(tx, database.Column[secret.Text], `SELECT password FROM users WHERE name = $1`, name)
		}
		return user, err
	})
	if err != nil {
		return false, err
	}
	matches, err := s.hasher.Verify(ctx, hash, password)
	return matches && counts(user, s.Demo), err
}

// signOut ends the session everywhere, and takes what the browser keeps of it.
func (s *Service) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.endSession(r.Context(), sessionOf(r)); err != nil {
		return err
	}
	setSession(w, "", -time.Second)
	w.Header().Set("Clear-Site-Data", `"cache"`) // also what the back button would show
	http.Redirect(w, r, "/oauth2/sign-in", http.StatusSeeOther)
	return nil
}

// sessionOf is the session that the browser has, or "".
func sessionOf(r *http.Request) secret.Text {
	cookie, err := r.Cookie(sts.SessionCookie)
	if err != nil {
		return ""
	}
	return secret.Text(cookie.Value)
}

// setSession sets the session's cookie; a negative lifetime removes it. Lax: a link from elsewhere may lead in, a form
// from elsewhere may not.
func setSession(w http.ResponseWriter, session string, lifetime time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: sts.SessionCookie, Value: session, Path: "/", MaxAge: int(lifetime / time.Second),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// localPath is where to go after signing in: a path of the user interface, whatever was asked for. Browsers read "\" as
// "/", and "//" as another host.
func localPath(next string) string {
	parsed, err := url.Parse(next)
	if err != nil || parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil || !strings.HasPrefix(next, afterSignIn) ||
		strings.ContainsAny(next, "\\\r\n\t") || strings.Contains(next, "//") || strings.Contains(parsed.Path, "..") {
		return afterSignIn
	}
	return next
}

// address is where the request comes from.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

const (
	// accountGuesses failed sign-ins of one name are let through at once, then one every accountPause: some 8,600 a day,
	// which finds no password that is worth the name, and leaves its owner waiting for seconds only.
	accountGuesses = 10
	accountPause   = 10 * time.Second
	// addressGuesses is the same for one address, behind which there may be an office.
	addressGuesses = 50
	addressPause   = 2 * time.Second
	// maxTracked bounds the memory: names and addresses beyond it push out those that may try again anyway.
	maxTracked = 10_000
)

// throttle bounds how often one key may fail. It is safe for concurrent use.
type throttle struct {
	burst int
	pause time.Duration

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

func newThrottle(burst int, pause time.Duration) *throttle {
	return &throttle{burst: burst, pause: pause, keys: map[string]*rate.Limiter{}}
}

// take counts an attempt as failed until give says otherwise. wait is how long to come back after; 0 lets it through.
func (t *throttle) take(key string, now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	limiter := t.keys[key]
	if limiter == nil {
		bounded.MakeRoom(t.keys, maxTracked, func(l *rate.Limiter) bool { return l.TokensAt(now) >= float64(t.burst) }) // nothing left to wait for
		limiter = rate.NewLimiter(rate.Every(t.pause), t.burst)
		t.keys[key] = limiter
	}
	if limiter.AllowN(now, 1) {
		return 0
	}
	return t.pause
}

// give forgets the failures of a key: its owner has shown who they are.
func (t *throttle) give(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.keys, key)
}

// guesses bounds failed sign-ins by name and by address.
type guesses struct{ names, addresses *throttle }

func newGuesses() *guesses {
	return &guesses{newThrottle(accountGuesses, accountPause), newThrottle(addressGuesses, addressPause)}
}

func (g *guesses) take(name, address string, now time.Time) time.Duration {
	if len(name) > maxPassword {
		name = name[:maxPassword] // nobody's name; it must not cost memory
	}
	if wait := g.addresses.take(address, now); wait > 0 {
		return wait // and no name is tracked for it: made-up names must not push out those that are guessed at
	}
	return g.names.take(name, now)
}
