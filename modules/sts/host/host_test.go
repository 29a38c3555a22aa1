package host_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"oms/migrations"
	"oms/modules/modulestest"
	"oms/modules/sts"
	"oms/modules/sts/host"
	"oms/modules/sts/ststest"
	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/database/sqlite"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/issuers"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/secret"
	"oms/platform/token"
)

var everything = identity.NewScopes("add_order", "update_order", "view_orders", "manage_inventory")

// callees are what the STS is told of the modules.
func callees() map[string]host.Callee {
	return map[string]host.Callee{
		"order":     {Scopes: identity.NewScopes("add_order", "update_order", "view_orders"), Callers: []string{"gateway"}},
		"inventory": {Scopes: identity.NewScopes("manage_inventory"), Callers: []string{"gateway", "order"}},
		"gateway":   {Scopes: everything, Callers: []string{"gateway"}},
		"sts":       {}, // for its certificate alone
	}
}

// start hosts an STS with an external issuer beside its own.
func start(t testing.TB, store database.Store, demo bool, now func() time.Time) (module.Hosted, token.SigningKey) {
	t.Helper()
	return startWith(t, store, demo, now, "")
}

// startWith is start with a key encryption key.
func startWith(t testing.TB, store database.Store, demo bool, now func() time.Time, kek string) (module.Hosted, token.SigningKey) {
	t.Helper()
	foreign, err := token.GenerateSigningKey(token.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeySet(foreign.Public())
	if err != nil {
		t.Fatal(err)
	}
	edge := issuers.New(issuers.Own(ststest.PublicURL), issuers.External{
		Policy: issuers.Policy(token.Issuer{Name: ststest.Foreign, Audience: ststest.ForeignFor, Algorithms: []token.Algorithm{token.EdDSA},
			Types: []string{"JWT"}, MaxLifetime: time.Hour}),
		Keys: keys, Ceiling: identity.NewScopes("add_order", "update_order"),
	})
	hosted, err := host.New(t.Context(), host.Options{
		Env: module.Env{
			Store: store, Observer: rpctest.Observe(t, sts.Operations.Operations()), Now: now, Log: slog.New(slog.DiscardHandler), Edge: module.Edge{Accepted: edge},
			Installation: module.Installation{
				Demo: demo, Domain: ststest.Domain, PublicHosts: ststest.PublicHosts(), CertificateTTL: ststest.CertificateLifetime,
				RootAnnouncement: ststest.Announcement, RootOverlap: ststest.Overlap,
			},
		},
		Callees: callees(),
		Settings: host.Settings{
			SessionTTL: ststest.SessionLifetime, InternalTokenTTL: ststest.InternalLifetime, TransactionTokenTTL: time.Minute, WorkloadTokenTTL: ststest.WorkloadLifetime,
			KeyEncryptionKeyFile: kek,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return hosted, foreign
}

// operators are those of a store.
func operators(t testing.TB, store database.Store, demo bool, now func() time.Time) rpc.Conn {
	t.Helper()
	return operatorsWith(t, store, demo, now, "")
}

// operatorsWith are operators with a key encryption key.
func operatorsWith(t testing.TB, store database.Store, demo bool, now func() time.Time, kek string) rpc.Conn {
	t.Helper()
	operators, err := host.Administer(host.OperatorOptions{
		Store: store, Observer: rpctest.Observe(t, sts.OperatorOperations.Operations()), Now: now, Demo: demo, Domain: ststest.Domain, PublicHosts: ststest.PublicHosts(),
		Modules: []string{"gateway", "sts", "order", "inventory"}, KeyEncryptionKeyFile: kek,
	})
	if err != nil {
		t.Fatal(err)
	}
	return operators
}

// What operators may do, nobody reaches at the STS itself, and no workload may do where it is served.
func TestOperatorsAreServedInTheirOwnProcessAlone(t *testing.T) {
	hosted, _ := start(t, databasetest.Open(t, "sts"), false, time.Now)
	for _, operation := range sts.OperatorOperations.Operations() {
		row := operation.Row()
		if _, served := hosted.Host.Row(row.Name); served {
			t.Errorf("the STS serves %s", row.Name)
		}
		if !slices.Equal(row.Callers, []string{rpc.Operator}) || row.Proof != rpc.ByCertificate {
			t.Errorf("%s is called by %q", row.Name, row.Callers)
		}
	}
}

// seeded is the directory of a database as an earlier start has left it, with the demo users and carol: hashing their
// passwords once is enough for all tests.
func seeded(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	store, err := sqlite.OpenServer(t.Context(), sqlite.Options{Path: filepath.Join(directory, "sts.db"), Migrations: migrations.For("sts")})
	if err != nil {
		t.Fatal(err)
	}
	start(t, store, true, time.Now)
	_, err = sts.AddUser.Call(t.Context(), operators(t, store, true, time.Now), sts.AddUserRequest{Name: "carol", FullName: "Carol", Scopes: everything, Password: ststest.Password})
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	return directory
}

// The keys are encrypted at rest here, which nobody who calls can tell. Elsewhere they are not.
func TestTheContract(t *testing.T) {
	before, kek := seeded(t), keyFile(t, keyOf(1))
	ststest.Run(t, modulestest.Shapes(t), func(t *testing.T, demo bool) ststest.Started {
		directory := t.TempDir()
		if err := os.CopyFS(directory, os.DirFS(before)); err != nil {
			t.Fatal(err)
		}
		store, clock := databasetest.OpenIn(t, "sts", directory), &ststest.Clock{}
		hosted, foreign := startWith(t, store, demo, clock.Now, kek)
		operator := operatorsWith(t, store, true, clock.Now, kek)
		return ststest.Started{
			Host: hosted.Host, Foreign: foreign, Operator: operator, Clock: clock,
			Issue: func(user string, scopes ...string) secret.Text {
				r := sts.IssueTokenRequest{User: user, Lifetime: ststest.EdgeLifetime, Issuer: ststest.PublicURL, Audience: ststest.PublicURL}
				if len(scopes) > 0 {
					r.Scopes = identity.NewScopes(scopes...)
				}
				issued, err := sts.IssueToken.Call(t.Context(), operator, r)
				if err != nil {
					t.Fatal(err)
				}
				return issued.Token
			},
			SignIn:      func(user string) secret.Text { return signIn(t, hosted, user, "") },
			SignInAgain: func(user string, had secret.Text) secret.Text { return signIn(t, hosted, user, had) },
			SignOut: func(session secret.Text) {
				r := httptest.NewRequest(http.MethodPost, "/oauth2/logout", nil)
				r.AddCookie(&http.Cookie{Name: sts.SessionCookie, Value: session.Reveal()})
				w := httptest.NewRecorder()
				if module.PageHandler(host.Module.Pages, hosted.Page).ServeHTTP(w, r); w.Code != http.StatusSeeOther {
					t.Fatalf("signing out: %d", w.Code)
				}
			},
			Disable: func(user string, disabled bool) {
				if _, err := sts.SetUserDisabled.Call(t.Context(), operator, sts.SetUserDisabledRequest{User: user, Disabled: disabled}); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

// An installation of the version with one root for everything moves by the rotation that there is.
func TestAnEarlierRootIsReplacedInGoodOrder(t *testing.T) {
	ststest.RunUpgraded(t, modulestest.Shapes(t), func(t *testing.T) ststest.Started {
		directory, clock := t.TempDir(), &ststest.Clock{}
		if err := ststest.Earlier(t.Context(), directory, clock.Now()); err != nil {
			t.Fatal(err)
		}
		store := databasetest.OpenIn(t, "sts", directory)
		hosted, _ := start(t, store, true, clock.Now)
		return ststest.Started{Host: hosted.Host, Operator: operators(t, store, true, clock.Now), Clock: clock}
	})
}

// signIn signs in with the session that the browser has, if it has one.
func signIn(t *testing.T, hosted module.Hosted, user string, had secret.Text) secret.Text {
	t.Helper()
	form := url.Values{"name": {user}, "password": {ststest.Password.Reveal()}}
	r := httptest.NewRequest(http.MethodPost, "/oauth2/sign-in", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if had != "" {
		r.AddCookie(&http.Cookie{Name: sts.SessionCookie, Value: had.Reveal()})
	}
	w := httptest.NewRecorder()
	module.PageHandler(host.Module.Pages, hosted.Page).ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == sts.SessionCookie {
			return secret.Text(cookie.Value)
		}
	}
	t.Fatalf("signing in as %s: %d", user, w.Code)
	return ""
}

// ticking is a store in which everything takes a second, by the clock.
type ticking struct {
	database.Store
	now *time.Time
}

func (s ticking) Read(ctx context.Context, work func(database.Tx) error) error {
	defer s.tick()
	return s.Store.Read(ctx, work)
}

func (s ticking) Write(ctx context.Context, work func(database.Tx) error) error {
	defer s.tick()
	return s.Store.Write(ctx, work)
}

func (s ticking) tick() { *s.now = s.now.Add(time.Second) }

// A token must not outlive the withdrawal of what it was exchanged for, however close the two come: it is dated before its
// user is looked up, and the withdrawal after it is committed.
func TestNoTokenSlipsThroughWhileItsUserIsWithdrawn(t *testing.T) {
	now := time.Now().UTC()
	clock := func() time.Time { return now }
	store := ticking{databasetest.OpenIn(t, "sts", seeded(t)), &now}
	hosted, _ := start(t, store, true, clock)
	operator := operators(t, store, true, clock)
	issued, err := sts.IssueToken.Call(t.Context(), operator, sts.IssueTokenRequest{User: "carol", Lifetime: time.Hour, Issuer: ststest.PublicURL, Audience: ststest.PublicURL})
	if err != nil {
		t.Fatal(err)
	}
	conn := rpctest.Shapes()[0].Connect(t, hosted.Host, "gateway")
	ctx := identity.With(t.Context(), identity.Principal{Transaction: identity.NewTransaction()})
	for _, requested := range []string{sts.InternalToken, sts.TransactionToken} {
		if _, err := (sts.Client{Conn: conn}).Keys(ctx, sts.KeysRequest{}); err != nil { // what is asked next needs no other read
			t.Fatal(err)
		}
		asked := now
		answer, err := sts.Client{Conn: conn}.Exchange(ctx, sts.ExchangeRequest{
			SubjectToken: issued.Token, SubjectTokenType: sts.AccessToken, RequestedTokenType: requested, Audience: "spiffe://" + ststest.Domain + "/order",
		})
		if err != nil {
			t.Fatal(err)
		}
		if looked := now.Sub(asked); looked < time.Second || answer.IssuedAt.After(now.Add(-time.Second)) {
			t.Errorf("%s: the user was looked up until %v, and the token is of %v", requested, now, answer.IssuedAt)
		}
	}
	begun := now
	if _, err := sts.SetUserDisabled.Call(t.Context(), operator, sts.SetUserDisabledRequest{User: "carol", Disabled: true}); err != nil {
		t.Fatal(err)
	}
	feed, err := sts.Client{Conn: conn}.Feed(ctx, sts.FeedRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if committed := begun.Add(time.Second); feed.RevokedSubjects["carol"].Before(committed) {
		t.Errorf("withdrawn at %v, committed at %v", feed.RevokedSubjects["carol"], committed)
	}
}

func TestTheSigningKeySurvivesARestart(t *testing.T) {
	directory := t.TempDir()
	jwks := func(t *testing.T) (document string) {
		t.Run("start", func(t *testing.T) {
			hosted, _ := start(t, databasetest.OpenIn(t, "sts", directory), false, time.Now)
			answer, err := sts.Client{Conn: rpctest.Shapes()[0].Connect(t, hosted.Host, "gateway")}.Keys(context.Background(), sts.KeysRequest{})
			if err != nil {
				t.Fatal(err)
			}
			document = answer.JWKS
		})
		return document
	}
	if first, second := jwks(t), jwks(t); first == "" || first != second {
		t.Errorf("the keys were %s, then %s", first, second)
	}
}

func TestACorruptSigningKeyDoesNotStart(t *testing.T) {
	store := databasetest.Open(t, "sts")
	start(t, store, false, time.Now)
	if err := store.Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(`UPDATE keys SET private = 'AAAA' WHERE purpose = 'tokens'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	_, err := host.New(t.Context(), host.Options{Env: module.Env{
		Store: store, Observer: &rpctest.Observer{}, Now: time.Now,
		Installation: module.Installation{Domain: "orders.local", PublicHosts: ststest.PublicHosts()}, Edge: module.Edge{Accepted: issuers.New(issuers.Own(ststest.PublicURL))},
	}})
	if err == nil || !strings.Contains(err.Error(), "corrupt") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line that says the key is corrupt", err)
	}
}

func TestUsersThatAreNotOnesAreRefused(t *testing.T) {
	operator := operators(t, databasetest.Open(t, "sts"), false, time.Now)
	good := sts.AddUserRequest{Name: "dave", FullName: "Dave", Email: "dave@example.com", Scopes: identity.NewScopes("add_order"), Password: ststest.Password}
	if _, err := sts.AddUser.Call(t.Context(), operator, good); err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(*sts.AddUserRequest){
		"taken":              func(*sts.AddUserRequest) {},
		"empty name":         func(u *sts.AddUserRequest) { u.Name = "" },
		"a client's name":    func(u *sts.AddUserRequest) { u.Name = "client:x" },
		"an external's name": func(u *sts.AddUserRequest) { u.Name = "wso2|counter" },
		"upper case":         func(u *sts.AddUserRequest) { u.Name = "Dave" },
		"65 characters":      func(u *sts.AddUserRequest) { u.Name = strings.Repeat("d", 65) },
		"not an e-mail":      func(u *sts.AddUserRequest) { u.Name, u.Email = "e", "dave" },
		"bad scope":          func(u *sts.AddUserRequest) { u.Name, u.Scopes = "e", identity.Scopes{`a"b`} },
		"short password":     func(u *sts.AddUserRequest) { u.Name, u.Password = "e", "1234567" },
		"no password":        func(u *sts.AddUserRequest) { u.Name, u.Password = "e", "" },
		"1 MB password":      func(u *sts.AddUserRequest) { u.Name, u.Password = "e", secret.Text(strings.Repeat("x", 1<<20)) },
		"a terminal's code":  func(u *sts.AddUserRequest) { u.Name, u.FullName = "e", "\x1b[31mDave" },
		"long full name":     func(u *sts.AddUserRequest) { u.Name, u.FullName = "e", strings.Repeat("x", 201) },
	} {
		user := good
		spoil(&user)
		_, err := sts.AddUser.Call(t.Context(), operator, user)
		if code := fault.CodeOf(err); code != fault.InvalidArgument && (code != fault.Conflict || what != "taken") {
			t.Errorf("%s: %v", what, err)
		} else if given := user.Password; given != "" && strings.Contains(err.Error(), given.Reveal()) {
			t.Errorf("%s: the error shows the password: %v", what, err)
		}
	}
	list, err := sts.ListUsers.Call(t.Context(), operator, sts.ListRequest{})
	if err != nil || len(list.Users) != 1 {
		t.Errorf("users %v, %v", list.Users, err)
	}
}

func TestTokensThatAreNotIssued(t *testing.T) {
	store := databasetest.Open(t, "sts")
	operator := operators(t, store, false, time.Now)
	if _, err := sts.AddUser.Call(t.Context(), operator, sts.AddUserRequest{Name: "dave", Scopes: identity.NewScopes("add_order"), Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	good := sts.IssueTokenRequest{User: "dave", Lifetime: time.Minute, Issuer: "i", Audience: "a"}
	if _, err := sts.IssueToken.Call(t.Context(), operator, good); err == nil || !strings.Contains(err.Error(), "app serve") {
		t.Errorf("without a signing key: %v", err)
	}
	start(t, store, true, time.Now)
	if _, err := sts.IssueToken.Call(t.Context(), operator, good); err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(*sts.IssueTokenRequest){
		"unknown user":     func(r *sts.IssueTokenRequest) { r.User = "nobody" },
		"demo account":     func(r *sts.IssueTokenRequest) { r.User = "alice" },
		"a wider scope":    func(r *sts.IssueTokenRequest) { r.Scopes = identity.NewScopes("add_order", "view_orders") },
		"no lifetime":      func(r *sts.IssueTokenRequest) { r.Lifetime = 0 },
		"a day and more":   func(r *sts.IssueTokenRequest) { r.Lifetime = 24*time.Hour + 1 },
		"negative":         func(r *sts.IssueTokenRequest) { r.Lifetime = -time.Minute },
		"somebody's guess": func(r *sts.IssueTokenRequest) { r.User = "dave' OR '1'='1" },
	} {
		r := good
		spoil(&r)
		if issued, err := sts.IssueToken.Call(t.Context(), operator, r); err == nil || issued.Token != "" {
			t.Errorf("%s: issued", what)
		}
	}
	if _, err := sts.SetUserDisabled.Call(t.Context(), operator, sts.SetUserDisabledRequest{User: "dave", Disabled: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := sts.IssueToken.Call(t.Context(), operator, good); err == nil || !strings.Contains(err.Error(), "enable dave") {
		t.Errorf("disabled: %v", err)
	}
	if _, err := sts.SetUserDisabled.Call(t.Context(), operator, sts.SetUserDisabledRequest{User: "nobody", Disabled: true}); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("an unknown user is disabled: %v", err)
	}
	if _, err := sts.SetPassword.Call(t.Context(), operator, sts.SetPasswordRequest{User: "nobody", Password: "correct horse"}); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("an unknown user gets a password: %v", err)
	}
}
