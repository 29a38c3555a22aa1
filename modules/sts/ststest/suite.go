// Package ststest is the contract of the STS as a test: Run proves that a hosted module keeps it, in every way to
// reach it.
package ststest

import (
	"context"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/issuers"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/secret"
	"oms/platform/token"
)

// The names that a started module knows.
const (
	PublicURL  = "https://orders.example"
	Foreign    = "https://login.example" // an external issuer, whose ceiling is add_order and update_order
	ForeignFor = "orders"                // its audience
)

// How long what a started module issues lasts.
const (
	EdgeLifetime        = time.Minute // of what Issue gives
	SessionLifetime     = time.Hour
	InternalLifetime    = 5 * time.Minute
	WorkloadLifetime    = time.Hour
	CertificateLifetime = 24 * time.Hour
)

// Password is that of carol.
const Password = secret.Text("correct horse")

// Domain is the trust domain.
const Domain = "orders.local"

// PublicHosts are what the public listener is called.
func PublicHosts() []string { return []string{"localhost", "127.0.0.1"} }

// How a started module replaces a root by itself, and how a test rotates.
const (
	Announcement = time.Minute
	Overlap      = 10 * time.Minute
)

// Started is a hosted STS that knows the callees order (add_order, update_order, view_orders; called by the gateway),
// inventory (manage_inventory; called by the gateway and order), gateway (all of these; called by itself) and sts (called by nobody), the
// demo users, and the user carol with all of these scopes.
type Started struct {
	Host    *rpc.Host
	Issue   func(user string, scopes ...string) secret.Text // an edge token; without scopes, with all of the user's
	SignIn  func(user string) secret.Text                   // a session, for [Password]
	SignOut func(session secret.Text)
	Disable func(user string, disabled bool)

	// SignInAgain is SignIn in the browser that has a session.
	SignInAgain func(user string, had secret.Text) secret.Text

	Foreign  token.SigningKey // that of the external issuer
	Operator rpc.Conn
	Clock    *Clock // of the module and of the operator
}

// Clock is a clock that runs until a test stops it, and that it puts forward.
type Clock struct {
	ahead   atomic.Int64
	stopped atomic.Pointer[time.Time]
}

// Now is what the clock says.
func (c *Clock) Now() time.Time {
	now := time.Now()
	if at := c.stopped.Load(); at != nil {
		now = *at
	}
	return now.Add(time.Duration(c.ahead.Load()))
}

// Stop has the clock change only when it is put forward.
func (c *Clock) Stop() {
	now := time.Now()
	c.stopped.Store(&now)
}

// Forward puts the clock forward.
func (c *Clock) Forward(by time.Duration) { c.ahead.Add(int64(by)) }

// Start hosts a fresh module. Without the demo, demo accounts do not count.
type Start func(t *testing.T, demo bool) Started

// RunUpgraded runs over every shape what is promised of an STS that starts on the database of a version whose only root
// can sign for any name.
func RunUpgraded(t *testing.T, shapes []rpctest.Shape, start func(t *testing.T) Started) {
	t.Helper()
	for _, shape := range shapes {
		t.Run(shape.Name, func(t *testing.T) {
			t.Parallel()
			upgraded(t, newWorld(t, start(t), shape))
		})
	}
}

// Run runs the suite over every shape.
func Run(t *testing.T, shapes []rpctest.Shape, start Start) {
	t.Helper()
	tests := map[string]func(*testing.T, world){
		"an authentication names the user and the callee's scopes": authenticated,
		"a token carries no more than it was given":                narrowed,
		"only the gateway asks":                                    whoMayCall,
		"what is not a token of ours is refused":                   refused,
		"a disabled user's tokens stop to hold":                    disabled,
		"an external issuer has a ceiling and its own names":       external,
		"the keys verify our tokens":                               keys,
		"a session stands for its user until it ends":              session,
	}
	maps.Copy(tests, accountTests)
	maps.Copy(tests, exchangeTests)
	maps.Copy(tests, endedTests)
	maps.Copy(tests, certificateTests)
	maps.Copy(tests, feedTests)
	maps.Copy(tests, keyTests)
	maps.Copy(tests, rootTests)
	for _, shape := range shapes {
		t.Run(shape.Name, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, newWorld(t, start(t, true), shape))
				})
			}
			t.Run("without the demo, demo accounts do not count", func(t *testing.T) {
				t.Parallel()
				withoutDemo(t, newWorld(t, start(t, false), shape))
			})
		})
	}
}

type world struct {
	Started
	gateway, other sts.Service
	shape          rpctest.Shape
}

func newWorld(t *testing.T, started Started, shape rpctest.Shape) world {
	t.Helper()
	w := world{Started: started, shape: shape}
	w.gateway, w.other = w.by(t, "gateway"), w.by(t, "order")
	return w
}

// by is the STS as a workload reaches it.
func (w world) by(t *testing.T, workload string) sts.Service {
	t.Helper()
	return sts.Client{Conn: w.shape.Connect(t, w.Host, workload)}
}

// settle lets the module notice what an operator has done beside it, for which it takes half a second.
func (w world) settle() { w.Clock.Forward(time.Second) }

func mustFail(t *testing.T, what string, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var nobody = identity.With(context.Background(), identity.Principal{Transaction: "0123456789abcdef0123456789abcdef"})

func (w world) authenticate(t *testing.T, raw secret.Text, callee string) sts.Authentication {
	t.Helper()
	got, err := w.gateway.Authenticate(nobody, sts.AuthenticateRequest{Token: raw, Callee: callee})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (w world) mustRefuse(t *testing.T, what string, raw secret.Text) {
	t.Helper()
	_, err := w.gateway.Authenticate(nobody, sts.AuthenticateRequest{Token: raw, Callee: "order"})
	if got := fault.CodeOf(err); got != fault.Unauthenticated {
		t.Errorf("%s: got %v, want unauthenticated", what, err)
	}
}

func mustEqual(t *testing.T, got sts.Authentication, subject string, scopes ...string) {
	t.Helper()
	want := sts.Authentication{Subject: subject, FullName: map[string]string{"alice": "Alice", "carol": "Carol"}[subject], Scopes: scopes}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error("authentication (-want +got):", diff)
	}
}

func authenticated(t *testing.T, w world) {
	raw := w.Issue("carol")
	mustEqual(t, w.authenticate(t, raw, "order"), "carol", "add_order", "update_order", "view_orders")
	mustEqual(t, w.authenticate(t, raw, "inventory"), "carol", "manage_inventory")
	mustEqual(t, w.authenticate(t, w.Issue("alice"), "order"), "alice", "add_order")
	_, err := w.gateway.Authenticate(nobody, sts.AuthenticateRequest{Token: raw, Callee: "nowhere"})
	if got := fault.CodeOf(err); got != fault.InvalidArgument {
		t.Errorf("an unknown callee: %v", err)
	}
}

func narrowed(t *testing.T, w world) {
	mustEqual(t, w.authenticate(t, w.Issue("carol", "view_orders"), "order"), "carol", "view_orders")
	mustEqual(t, w.authenticate(t, w.Issue("carol", "view_orders"), "inventory"), "carol")
}

func whoMayCall(t *testing.T, w world) {
	_, err := w.other.Authenticate(nobody, sts.AuthenticateRequest{Token: w.Issue("carol"), Callee: "order"})
	if got := fault.CodeOf(err); got != fault.PermissionDenied {
		t.Errorf("authenticate: %v", err)
	}
	_, err = w.other.ServerCertificate(nobody, sts.CertificateRequest{})
	if got := fault.CodeOf(err); got != fault.PermissionDenied {
		t.Errorf("the public listener's certificate: %v", err)
	}
	_, err = w.gateway.Enrol(nobody, sts.EnrolRequest{})
	if got := fault.CodeOf(err); got != fault.PermissionDenied {
		t.Errorf("enrolment, which is for strangers: %v", err)
	}
}

func refused(t *testing.T, w world) {
	own, err := token.GenerateSigningKey(token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	good := w.Issue("carol")
	w.authenticate(t, good, "order")
	w.mustRefuse(t, "empty", "")
	w.mustRefuse(t, "cut", good[:len(good)-4])
	w.mustRefuse(t, "signed by a stranger", sign(t, own, "at+jwt", claims(PublicURL, PublicURL, "carol")))
	w.mustRefuse(t, "an issuer that nobody knows", sign(t, w.Foreign, "JWT", claims("https://else.example", ForeignFor, "carol")))
	w.mustRefuse(t, "our name, signed by the external issuer", sign(t, w.Foreign, "at+jwt", claims(PublicURL, PublicURL, "carol")))
	w.mustRefuse(t, "for somebody else", sign(t, w.Foreign, "JWT", claims(Foreign, "elsewhere", "carol")))
}

func disabled(t *testing.T, w world) {
	raw := w.Issue("carol")
	w.authenticate(t, raw, "order")
	w.Disable("carol", true)
	w.mustRefuse(t, "disabled", raw)
	w.Disable("carol", false)
	w.mustRefuse(t, "of before the disabling", raw)
	w.authenticate(t, w.Issue("carol"), "order")
}

func external(t *testing.T, w world) {
	wide := claims(Foreign, ForeignFor, "carol")
	wide["scope"] = "add_order view_orders manage_inventory"
	mustEqual(t, w.authenticate(t, sign(t, w.Foreign, "JWT", wide), "order"), Foreign+"|carol", "add_order")
	wide["scope"] = []string{"update_order"}
	mustEqual(t, w.authenticate(t, sign(t, w.Foreign, "JWT", wide), "order"), Foreign+"|carol", "update_order")
}

func keys(t *testing.T, w world) {
	answer, err := w.gateway.Keys(nobody, sts.KeysRequest{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := token.ParseKeySet([]byte(answer.JWKS))
	if err != nil {
		t.Fatal(err)
	}
	verified, err := issuers.Own(PublicURL).Verify(w.Issue("carol").Reveal(), set, time.Now())
	if err != nil || verified.Subject != "carol" || verified.ClientID != "operator" || verified.ID == "" {
		t.Errorf("claims %+v, %v", verified, err)
	}
}

func session(t *testing.T, w world) {
	reference := w.SignIn("carol")
	authenticate := func(reference secret.Text, callee string) (sts.Authentication, error) {
		return w.gateway.AuthenticateSession(nobody, sts.AuthenticateSessionRequest{Session: reference, Callee: callee})
	}
	got, err := authenticate(reference, "order")
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, got, "carol", "add_order", "update_order", "view_orders")
	_, err = authenticate(reference, "nowhere")
	if got := fault.CodeOf(err); got != fault.InvalidArgument {
		t.Errorf("an unknown callee: %v", err)
	}
	for _, wrong := range []secret.Text{"", "x", reference + "x", reference[1:], w.Issue("carol")} {
		if _, err := authenticate(wrong, "order"); fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("what is no session: %v", err)
		}
	}
	w.mustRefuse(t, "a session as a token", reference)
	_, err = w.other.AuthenticateSession(nobody, sts.AuthenticateSessionRequest{Session: reference, Callee: "order"})
	if got := fault.CodeOf(err); got != fault.PermissionDenied {
		t.Errorf("another caller: %v", err)
	}
	w.Disable("carol", true)
	if _, err := authenticate(reference, "order"); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("a disabled user's session: %v", err)
	}
}

func withoutDemo(t *testing.T, w world) {
	w.authenticate(t, w.Issue("carol"), "order")
	w.mustRefuse(t, "a demo account", w.Issue("alice"))
}

func claims(issuer, audience, subject string) map[string]any {
	now := time.Now()
	return map[string]any{"iss": issuer, "aud": audience, "sub": subject, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": "1", "client_id": "c", "scope": "add_order"}
}

func sign(t *testing.T, key token.SigningKey, typ string, claims map[string]any) secret.Text {
	t.Helper()
	raw, err := token.Sign(key, typ, claims)
	if err != nil {
		t.Fatal(err)
	}
	return secret.Text(raw)
}
