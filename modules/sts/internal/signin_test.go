package internal

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/issuers"
	"oms/platform/module"
	"oms/platform/observe/observetest"
	"oms/platform/secret"
)

// office is an STS with the demo users and carol, as browsers reach it.
type office struct {
	*Service
	operator Operators
	pages    http.Handler
	log      *observetest.Log
	mu       sync.Mutex
	now      time.Time
}

const carolsPassword = "correct horse"

func openOffice(t testing.TB, demo bool) *office {
	t.Helper()
	o := &office{log: &observetest.Log{}, now: time.Now()}
	clock := func() time.Time { o.mu.Lock(); defer o.mu.Unlock(); return o.now }
	store := databasetest.Open(t, "sts")
	if err := store.Write(t.Context(), func(tx database.Tx) error { return seedDemo(tx, o.now) }); err != nil {
		t.Fatal(err)
	}
	o.operator = NewOperators(OperatorOptions{Store: store, Now: clock, Demo: demo})
	carol := sts.AddUserRequest{Name: "carol", FullName: "Carol", Scopes: identity.NewScopes("add_order", "manage_inventory"), Password: carolsPassword}
	if _, err := o.operator.AddUser(t.Context(), carol); err != nil {
		t.Fatal(err)
	}
	service, err := New(t.Context(), Options{
		Env: module.Env{
			Store: store, Now: clock, Log: o.log.Logger(slog.LevelInfo), Edge: module.Edge{Accepted: issuers.New(issuers.Own("https://orders.example"))},
			Installation: module.Installation{Demo: demo, Domain: "orders.local", PublicHosts: []string{"localhost"}},
		},
		Settings: Settings{SessionTTL: time.Hour}, Callees: map[string]Callee{"order": {Scopes: identity.NewScopes("add_order")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Service, o.pages = service, module.PageHandler(Pages(), service.Page)
	return o
}

func (o *office) advance(by time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(by)
}

// try is a browser's sign-in.
type try struct {
	name, password, next string
	cookie               string // of the session
	known                string // the cookie of a browser that is known
	address              string
}

func (o *office) signInAs(a try) *httptest.ResponseRecorder {
	form := url.Values{"name": {a.name}, "password": {a.password}, "next": {a.next}}
	r := httptest.NewRequest(http.MethodPost, "/oauth2/sign-in", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "192.0.2.1:1234"
	if a.address != "" {
		r.RemoteAddr = a.address
	}
	if a.cookie != "" {
		r.AddCookie(&http.Cookie{Name: sts.SessionCookie, Value: a.cookie})
	}
	if a.known != "" {
		r.AddCookie(&http.Cookie{Name: sts.KnownCookie, Value: a.known})
	}
	w := httptest.NewRecorder()
	o.pages.ServeHTTP(w, r)
	return w
}

// session gives the session's cookie that an answer sets.
func session(t *testing.T, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	return cookie(t, w, sts.SessionCookie)
}

// cookie gives a cookie that an answer sets.
func cookie(t *testing.T, w *httptest.ResponseRecorder, name string) *http.Cookie {
	t.Helper()
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == name {
			return cookie
		}
	}
	t.Fatalf("no cookie %s in the answer %d %s", name, w.Code, w.Body)
	return nil
}

func (o *office) mustHold(t *testing.T, reference string, want bool) {
	t.Helper()
	authentication, err := o.AuthenticateSession(t.Context(), sts.AuthenticateSessionRequest{Session: secret.Text(reference), Callee: "order"})
	switch {
	case want && (err != nil || authentication.Subject == ""):
		t.Errorf("the session does not hold: %v", err)
	case !want && fault.CodeOf(err) != fault.Unauthenticated:
		t.Errorf("the session of %q holds: %v", authentication.Subject, err)
	}
}

func TestSigningInBeginsASession(t *testing.T) {
	o := openOffice(t, true)
	w := o.signInAs(try{name: "carol", password: carolsPassword, next: "/ui/orders?after=x"})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/ui/orders?after=x" {
		t.Fatalf("answer %d to %q: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	cookie := session(t, w)
	if !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge != 3600 || len(cookie.Value) < 26 {
		t.Errorf("cookie %+v", cookie)
	}
	authentication, err := o.AuthenticateSession(t.Context(), sts.AuthenticateSessionRequest{Session: secret.Text(cookie.Value), Callee: "order"})
	if err != nil || authentication.Subject != "carol" || authentication.FullName != "Carol" || len(authentication.Scopes) != 1 || authentication.Scopes[0] != "add_order" {
		t.Errorf("authentication %+v, %v", authentication, err)
	}
	if err := o.Store.Read(t.Context(), func(tx database.Tx) error {
		var stored string
		if err := tx.QueryRow(`SELECT digest FROM sessions`).Scan(&stored); err != nil {
			return err
		}
		if strings.Contains(stored, cookie.Value) {
			t.Error("the database holds what the browser holds")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	o.advance(time.Hour)
	o.mustHold(t, cookie.Value, false)
}

func TestWhatIsWrongWithASignInIsNotTold(t *testing.T) {
	o := openOffice(t, true)
	if _, err := o.operator.AddUser(t.Context(), sts.AddUserRequest{Name: "dave", Password: carolsPassword}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.operator.SetUserDisabled(t.Context(), sts.SetUserDisabledRequest{User: "dave", Disabled: true}); err != nil {
		t.Fatal(err)
	}
	var first string
	for what, a := range map[string]try{
		"wrong password": {name: "carol", password: "incorrect horse"},
		"no password":    {name: "carol"},
		"unknown name":   {name: "nobody", password: carolsPassword},
		"disabled":       {name: "dave", password: carolsPassword},
		"long password":  {name: "carol", password: carolsPassword + strings.Repeat("x", 2000)},
		"other case":     {name: "Carol", password: carolsPassword},
		"SQL":            {name: "carol' --", password: carolsPassword},
	} {
		w := o.signInAs(a)
		body := strings.ReplaceAll(w.Body.String(), `value="`+a.name+`"`, `value="NAME"`)
		body = strings.ReplaceAll(body, `value="carol&#39; --"`, `value="NAME"`)
		if w.Code != http.StatusUnprocessableEntity || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: answer %d with %d cookies", what, w.Code, len(w.Result().Cookies()))
		}
		if first == "" {
			first = body
		}
		if body != first {
			t.Errorf("%s: the page differs from that of another failure", what)
		}
		if strings.Contains(body, carolsPassword) {
			t.Errorf("%s: the page shows the password", what)
		}
	}
}

func TestEveryByteOfAPasswordCounts(t *testing.T) {
	o := openOffice(t, false)
	long := strings.Repeat("x", 72)
	if _, err := o.operator.SetPassword(t.Context(), sts.SetPasswordRequest{User: "carol", Password: secret.Text(long + "y")}); err != nil {
		t.Fatal(err)
	}
	if w := o.signInAs(try{name: "carol", password: long + "z"}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("another 73rd byte: %d", w.Code)
	}
	session(t, o.signInAs(try{name: "carol", password: long + "y"}))
}

func TestAFormThatIsTooLargeIsRefused(t *testing.T) {
	o := openOffice(t, false)
	if w := o.signInAs(try{name: "carol", password: strings.Repeat("x", 1<<20)}); w.Code != http.StatusBadRequest {
		t.Errorf("1 MB password: %d", w.Code)
	}
}

func TestWithoutTheDemoItsAccountsCannotSignIn(t *testing.T) {
	o := openOffice(t, false)
	w := o.signInAs(try{name: "alice", password: "alice-demo"})
	if w.Code != http.StatusUnprocessableEntity || strings.Contains(w.Body.String(), "alice-demo") {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	session(t, o.signInAs(try{name: "carol", password: carolsPassword}))
	session(t, openOffice(t, true).signInAs(try{name: "alice", password: "alice-demo"}))
}

func TestAReferenceKnownBeforeSigningInIsWorthNothingAfterIt(t *testing.T) {
	o := openOffice(t, true)
	old := session(t, o.signInAs(try{name: "alice", password: "alice-demo"})).Value
	o.mustHold(t, old, true)
	fresh := session(t, o.signInAs(try{name: "carol", password: carolsPassword, cookie: old})).Value
	if fresh == old {
		t.Error("the reference stayed the same")
	}
	o.mustHold(t, old, false)
	o.mustHold(t, fresh, true)
	planted := "planted"
	if got := session(t, o.signInAs(try{name: "carol", password: carolsPassword, cookie: planted})).Value; got == planted {
		t.Error("a reference that somebody planted became a session")
	}
	o.mustHold(t, planted, false)
}

func TestSigningOutEndsTheSession(t *testing.T) {
	o := openOffice(t, true)
	reference := session(t, o.signInAs(try{name: "carol", password: carolsPassword})).Value
	r := httptest.NewRequest(http.MethodPost, "/oauth2/logout", nil)
	r.AddCookie(&http.Cookie{Name: sts.SessionCookie, Value: reference})
	w := httptest.NewRecorder()
	o.pages.ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther || session(t, w).MaxAge >= 0 {
		t.Errorf("answer %d, cookie %+v", w.Code, session(t, w))
	}
	o.mustHold(t, reference, false)
	for _, method := range []string{http.MethodGet, http.MethodHead} { // a link must not sign anybody out
		w := httptest.NewRecorder()
		o.pages.ServeHTTP(w, httptest.NewRequest(method, "/oauth2/logout", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestANewPasswordOrALockoutEndsSessions(t *testing.T) {
	o := openOffice(t, true)
	reference := session(t, o.signInAs(try{name: "carol", password: carolsPassword})).Value
	if _, err := o.operator.SetPassword(t.Context(), sts.SetPasswordRequest{User: "carol", Password: "another horse"}); err != nil {
		t.Fatal(err)
	}
	o.mustHold(t, reference, false)
	reference = session(t, o.signInAs(try{name: "carol", password: "another horse"})).Value
	for _, disabled := range []bool{true, false} {
		if _, err := o.operator.SetUserDisabled(t.Context(), sts.SetUserDisabledRequest{User: "carol", Disabled: disabled}); err != nil {
			t.Fatal(err)
		}
		o.mustHold(t, reference, false)
	}
}

func TestSigningInLeadsToPagesOfOursAlone(t *testing.T) {
	for next, want := range map[string]string{
		"/ui/": "/ui/", "/ui/orders/1?placed=1": "/ui/orders/1?placed=1", "/ui/?q=a%20b": "/ui/?q=a%20b",
		"": "/ui/", "/": "/ui/", "https://evil.example/ui/": "/ui/", "//evil.example/ui/": "/ui/", "/\\evil.example": "/ui/", "/ui/\\..\\": "/ui/",
		"javascript:alert(1)": "/ui/", "/oauth2/logout": "/ui/", "/ui/../oauth2/logout": "/ui/", "/ui/%2e%2e/oauth2": "/ui/", "/ui//evil.example": "/ui/",
		"/ui/\r\nSet-Cookie: a=b": "/ui/", "\t/ui/": "/ui/", "http:/ui/": "/ui/", "/ui": "/ui/", "///ui/": "/ui/", "@evil/ui/": "/ui/", "/ui/?next=//evil.example": "/ui/",
	} {
		if got := localPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}
