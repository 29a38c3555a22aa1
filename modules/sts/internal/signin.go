package internal

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/limits"
	"oms/platform/secret"
	"oms/web"
)

// afterSignIn is where somebody goes who came from nowhere.
const afterSignIn = "/ui/"

// showSignIn is the page to sign in on.
func (s *Service) showSignIn(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	return s.renderSignIn(w, r, http.StatusOK, web.SignIn{Next: localPath(query.Get("next")), Ended: ended[query.Get("ended")]})
}

// ended says what became of a session, by what the page that leads here says in its query.
var ended = map[string]string{
	"1":          "Your session has ended. Sign in again to go on.",
	"everywhere": "You are signed out everywhere. Sign in again to go on.",
}

func (s *Service) renderSignIn(w http.ResponseWriter, r *http.Request, status int, page web.SignIn) error {
	if s.Demo {
		page.Cards, page.Exposed = demoCards(), s.DemoRemote
	} else if some, err := s.HasUsers(r.Context()); err == nil && !some {
		page.NoUsers = true
	}
	return web.Render(w, r, status, "sign-in", page)
}

// signIn checks a name and a password, and begins a session. What is wrong with them is not told, nor does the time
// tell whether there is such a name.
func (s *Service) signIn(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, sts.MaxForm)
	if err := r.ParseForm(); err != nil {
		return s.renderSignIn(w, r, http.StatusBadRequest, web.SignIn{Next: afterSignIn, Problem: "The form did not arrive whole. Try again."})
	}
	name, password := r.PostForm.Get("name"), secret.Text(r.PostForm.Get("password"))
	page := web.SignIn{Next: localPath(r.PostForm.Get("next")), Name: name}
	opened, err := s.admit(r.Context(), guesser{name: name, address: limits.AddressKey(r.RemoteAddr)}, password, browserOf(r))
	if err == nil {
		opened.give(w, s.SessionTTL)
		http.Redirect(w, r, page.Next, http.StatusSeeOther)
		return nil
	}
	failure := fault.From(err)
	if !slices.Contains([]fault.Code{fault.InvalidArgument, fault.RateLimited, fault.Unavailable}, failure.Code) {
		return err
	}
	if after := failure.ToldRetry(); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(after/time.Second)))
	}
	page.Problem = failure.Detail
	return s.renderSignIn(w, r, failure.Code.Status(), page)
}

// browser is what a browser that signs in has of us already.
type browser struct {
	session secret.Text
	known   known
}

func browserOf(r *http.Request) browser { return browser{sessionOf(r), knownOf(r)} }

// opened is what a browser gets that has signed in.
type opened struct {
	session secret.Text
	known   known // as it is from now on
}

func (o opened) give(w http.ResponseWriter, lifetime time.Duration) {
	setSession(w, o.session.Reveal(), lifetime)
	setKnown(w, o.known)
}

// admit opens a session for who shows the password of a name. Errors as in [Service.checkPassword].
func (s *Service) admit(ctx context.Context, who guesser, password secret.Text, with browser) (opened, error) {
	if len(with.known) > 0 {
		var err error
		if who.browser, err = database.Read(ctx, s.Store, func(tx database.Tx) (string, error) { return findKnown(tx, who.name, with.known, s.Now()) }); err != nil {
			return opened{}, err
		}
	}
	user, err := s.checkPassword(ctx, attempt{who, password})
	if err != nil {
		return opened{}, err
	}
	return s.openSession(ctx, user, with, who.browser)
}

// signOut ends the session everywhere, and takes what the browser keeps of it.
func (s *Service) signOut(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
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
