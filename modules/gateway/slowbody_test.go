package gateway

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"oms/modules/order"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/issuers"
	"oms/platform/limits"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/token"
	"oms/platform/trust"
)

// changing is a user whose rights change.
type changing struct {
	now *trust.Issued
	err *error
}

func (c changing) User(context.Context, string, string) (trust.Issued, error) { return *c.now, *c.err }

// counting counts the calls that arrive.
type counting struct{ calls *int }

func (c counting) Invoke(_ context.Context, _ rpc.Operation, _, _ any) error {
	*c.calls++
	return nil
}

// slowBody is a body that takes its time, during which something happens.
type slowBody struct {
	io.Reader
	meanwhile func()
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.meanwhile != nil {
		b.meanwhile()
		b.meanwhile = nil
	}
	return b.Reader.Read(p)
}

// Whoever sends a body slowly holds a judgement from before it: it is made anew (CWE-367).
func TestAUserIsJudgedAgainBehindASlowBody(t *testing.T) {
	key, err := token.GenerateSigningKey(token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeySet(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	const issuer = "https://login.example"
	ended := fault.New(fault.Unauthenticated, "The access token does not hold.")
	for what, c := range map[string]struct {
		takes time.Duration
		left  identity.Scopes
		err   error
		want  int
	}{
		"nothing changes":           {time.Minute, identity.NewScopes(order.AddOrder), nil, http.StatusCreated},
		"the token is revoked":      {time.Minute, nil, ended, http.StatusUnauthorized},
		"the right is withdrawn":    {time.Minute, nil, nil, http.StatusForbidden},
		"revoked, in a fast one":    {judgementAge, nil, ended, http.StatusCreated},
		"the STS cannot be reached": {time.Minute, nil, fault.Retryable(time.Second, "It is away."), http.StatusServiceUnavailable},
	} {
		t.Run(what, func(t *testing.T) {
			now, calls := time.Now(), 0
			user, refused := trust.Issued{Subject: issuer + "|alice", Scopes: identity.NewScopes(order.AddOrder)}, error(nil)
			handler, _, err := New(Options{
				Modules: []Backend{{Name: "order", Conn: counting{&calls}, Operations: order.Operations.Operations()}},
				Users:   changing{&user, &refused}, Revoked: func(trust.Basis) bool { return false }, Observer: &rpctest.Observer{}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
				Edge: issuers.New(issuers.Own("https://orders.example"), issuers.External{
					Policy: issuers.Policy(token.Issuer{Name: issuer, Audience: "orders", Algorithms: []token.Algorithm{token.ES256}, Types: []string{"JWT"}, MaxLifetime: time.Hour}),
					Keys:   keys, Ceiling: identity.NewScopes(order.AddOrder),
				}),
				Rates: limits.NewRates(limits.RateSettings{}, time.Now), Budget: limits.NewBudget(1<<30, 1000),
			})
			if err != nil {
				t.Fatal(err)
			}
			raw, err := token.Sign(key, "JWT", map[string]any{"iss": issuer, "aud": "orders", "sub": "alice", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "scope": order.AddOrder})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPost, "/order", &slowBody{strings.NewReader(`{"name":"n","items":[{"category":"books","code":"a","qty":1}]}`), func() {
				now, user.Scopes, refused = now.Add(c.takes), c.left, c.err
			}})
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+raw)
			w := httptest.NewRecorder()
			if handler.ServeHTTP(w, r); w.Code != c.want || (calls == 1) != (c.want == http.StatusCreated) {
				t.Errorf("answer %d after %d calls, want %d: %s", w.Code, calls, c.want, w.Body)
			}
		})
	}
}
