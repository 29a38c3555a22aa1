package systemtest_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/modules/sts"
	"oms/modules/system"
	"oms/platform/fault"
	"oms/platform/httprpc"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/trust"
	"oms/platform/trust/exchange"
	"oms/platform/trust/peer"
	"oms/platform/trust/transaction"
)

func withProfile(name string) func(*system.Config) {
	return func(c *system.Config) { c.Trust.Profile = name }
}

// thief has a workload's certificate, and its own keys where the profile gives it any. He proves himself as that workload
// does, with the product's own profile.
type thief struct {
	*split
	workload string
	profile  trust.Profile
}

func (s *split) thief(workload, profile string) thief {
	s.Helper()
	options := trust.Options{
		Domain: s.config.Trust.Domain, Now: time.Now, Revoked: func(string, time.Time) bool { return false },
		Workloads: []string{workload}, KeyFile: func(workload string) string { return system.KeyFile(s.config, workload) },
		STS: func(workload string) trust.TokenService {
			conn := httprpc.NewConn(httprpc.ConnOptions{
				Caller: workload, Callee: "sts", URL: "https://" + s.at("sts"), Log: slog.New(slog.DiscardHandler),
				Transport: s.posing("sts", s.stolen(workload)).client.Transport,
			})
			return system.TokenService(sts.Client{Conn: conn}, s.config.Trust.Domain)
		},
	}
	t := thief{s, workload, transaction.New(options)}
	switch profile {
	case "exchange":
		t.profile = exchange.New(options)
	case "peer":
		peer, err := peer.New(options)
		if err != nil {
			s.Fatal(err)
		}
		t.profile = peer
	}
	return t
}

// recorded is a whole request, as it travels.
type recorded struct {
	callee, operation string
	header            http.Header
	body              string
}

// meet makes the first call of a peer, to learn what the callee wants to find in its proofs since it was started.
func (t thief) meet(callee string) {
	t.Helper()
	if t.profile.Name() != "peer" {
		return
	}
	ctx := identity.With(t.Context(), identity.Principal{Transaction: theirs})
	c := &rpc.Call{Operation: callee + ".Nothing", Caller: t.workload, Callee: callee, Header: http.Header{}, Digest: sha256.Sum256([]byte("{}"))}
	if err := t.profile.Attach(ctx, c); err != nil {
		t.Fatal(err)
	}
	got := t.posing(callee, t.stolen(t.workload)).send(c.Operation, "{}", func(r *http.Request) { maps.Copy(r.Header, c.Header) })
	var said fault.Problem
	if err := json.Unmarshal([]byte(got.body), &said); err != nil {
		t.Fatal(err)
	}
	refusal, _ := said.Fault()
	t.profile.Refused(ctx, c, refusal)
}

var errRecorded = errors.New("the request was kept and not sent")

// record has a call made for whom user stands for, and keeps its request instead of sending it. err is why there is none.
func (t thief) record(callee string, user identity.Credential, call func(context.Context, rpc.Conn) error) (kept recorded, err error) {
	t.Helper()
	t.meet(callee)
	conn := httprpc.NewConn(httprpc.ConnOptions{
		Caller: t.workload, Callee: callee, URL: "https://" + t.at(callee), Profile: t.profile, Log: slog.New(slog.DiscardHandler),
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			text, err := io.ReadAll(r.Body)
			if kept.header == nil {
				kept = recorded{callee, strings.TrimPrefix(r.URL.Path, "/rpc/"), r.Header.Clone(), string(text)}
			}
			return nil, errors.Join(errRecorded, err)
		}),
	})
	ctx := identity.With(t.Context(), identity.Principal{Transaction: theirs})
	err = call(identity.WithCredential(ctx, user), conn)
	if kept.header != nil {
		err = nil
	}
	return kept, err
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// theirs is the transaction that the requests belong to.
const theirs = "0123456789abcdef0123456789abcdef"

// exactly sends a request as it was recorded.
func (k recorded) exactly(r *http.Request) { r.Header = k.header.Clone() }

// edgeToken is what a user brings.
func edgeToken(raw string) identity.Credential {
	return identity.Credential{Kind: identity.EdgeToken, Text: secret.Text(raw)}
}

// ordering orders one Sony WH-1000XM4, another one each time it is executed.
func ordering(ctx context.Context, conn rpc.Conn) error {
	_, err := order.Client{Conn: conn}.Create(ctx, order.CreateRequest{Name: "Replayed", Items: []order.Item{{Category: "electronics", Code: "SOWH1000XM4", Qty: 1}}})
	return err
}

// flipped is a token or a text with another character in the middle.
func flipped(text string) string {
	at := len(text) / 2
	other := "A"
	if text[at] == 'A' {
		other = "B"
	}
	return text[:at] + other + text[at+1:]
}

// proofRefused fails the test unless the answer says that the proof does not hold.
func (p *caller) proofRefused(what string, got reply, why string) {
	p.Helper()
	p.mustRefuse(what, got, 401, "unauthenticated", why)
	var said problem
	_ = json.Unmarshal([]byte(got.body), &said)
	if !strings.HasSuffix(said.Type, rpc.ProofRefused) {
		p.Errorf("%s: a caller cannot tell that nothing was executed: %s", what, got.body)
	}
	p.Logf("%s: %d, %s", what, got.status, said.Detail)
}

// Under the profile peer a request that somebody has recorded is worth nothing, also to who holds the gateway's certificate.
func TestARecordedRequestIsExecutedOnce(t *testing.T) {
	s := openSplit(t, withProfile("peer"))
	alice := edgeToken(s.token("alice"))
	recordBy := func(workload string, user identity.Credential) recorded {
		t.Helper()
		kept, err := s.thief(workload, "peer").record("order", user, ordering)
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	record := func() recorded { return recordBy("gateway", alice) }
	stock := s.available(sony)
	executed := func(what string, n int64) {
		t.Helper()
		if stock -= n; s.available(sony) != stock {
			t.Fatalf("%s: %d of the stock are left, not %d", what, s.available(sony), stock)
		}
	}
	at := s.posing("order", s.stolen("gateway"))
	replay := func(k recorded, options ...option) reply {
		return at.send(k.operation, k.body, append([]option{k.exactly}, options...)...)
	}

	kept := record()
	for _, name := range []string{"Workload-Proof", "Workload-Keys", "Txn-Token"} {
		if kept.header.Get(name) == "" {
			t.Fatalf("the request has no %s: %v", name, kept.header)
		}
	}
	if got := replay(kept); got.status != 200 {
		t.Fatalf("the first time: %d %s", got.status, got.body)
	}
	executed("the first time", 1)
	at.proofRefused("the same once more", replay(kept), "was used already")
	other := s.posing("order", s.stolen("gateway"))
	other.proofRefused("the same over another connection", other.send(kept.operation, kept.body, kept.exactly), "was used already")
	at.proofRefused("the same as another operation", replay(recorded{kept.callee, "order.Cancel", kept.header, kept.body}), "for another operation")
	asInventory := s.posing("order", s.stolen("inventory"))
	asInventory.proofRefused("the same with inventory's certificate", asInventory.send(kept.operation, kept.body, kept.exactly), "The proof of inventory does not hold here")
	elsewhere := s.posing("inventory", s.stolen("gateway"))
	elsewhere.proofRefused("the same at inventory", elsewhere.send("inventory.Adjust", kept.body, kept.exactly), "does not hold here")
	executed("replays", 0)

	// Fresh ones, each spoilt in one place.
	set := func(name string, change func(string) string) option {
		return func(r *http.Request) { r.Header.Set(name, change(r.Header.Get(name))) }
	}
	again := func(name string) option { return func(r *http.Request) { r.Header.Add(name, r.Header.Get(name)) } }
	without := func(name string) option { return func(r *http.Request) { r.Header.Del(name) } }
	another := record()
	inventorys := recordBy("inventory", identity.Credential{Kind: identity.Transaction, Text: secret.Text(another.header.Get("Txn-Token"))})
	for what, c := range map[string]struct {
		spoil option
		why   string
	}{
		"the proof with another character":        {set("Workload-Proof", flipped), "does not hold here"},
		"the proof with another end":              {set("Workload-Proof", func(text string) string { return text + "A" }), "does not hold here"},
		"no proof":                                {without("Workload-Proof"), "has 0 proofs"},
		"the proof twice":                         {again("Workload-Proof"), "has 2 proofs"},
		"another call's proof":                    {setHeader("Workload-Proof", another.header.Get("Workload-Proof")), "for another user's transaction token"},
		"the user's token with another character": {set("Txn-Token", flipped), "for another user's transaction token"},
		"no user":                                   {without("Txn-Token"), "for another user's transaction token"},
		"another call's user":                       {setHeader("Txn-Token", another.header.Get("Txn-Token")), "for another user's transaction token"},
		"the user twice":                            {again("Txn-Token"), "has 2 transaction tokens"},
		"the keys with another character":           {set("Workload-Keys", flipped), "cannot be read"},
		"the keys twice":                            {again("Workload-Keys"), "introduces itself more than once"},
		"the transaction of another request":        {set("Traceparent", func(text string) string { return strings.Replace(text, theirs, strings.Repeat("1", 32), 1) }), "another transaction"},
		"an access token beside it":                 {bearer(alice.Text.Reveal()), "Authorization header"},
		"a body with another character":             {body(strings.Replace(another.body, `"qty":1`, `"qty":9`, 1)), "for another body"},
		"a body with a blank more":                  {body(another.body + " "), "for another body"},
		"a body with a member more":                 {body(strings.Replace(another.body, "{", `{"id":"chosen",`, 1)), "for another body"},
		"an empty body":                             {body("{}"), "for another body"},
		"inventory's keys and proof in place of it": {func(r *http.Request) { r.Header = inventorys.header }, "does not hold here"},
	} {
		fresh := record()
		at.proofRefused(what, replay(fresh, c.spoil), c.why)
	}
	executed("spoilt requests", 0)

	// Many at once, over one connection and over many.
	kept = record()
	var all sync.WaitGroup
	var accepted, refused atomic.Int64
	for i := range 50 {
		p := at
		if i%5 == 0 {
			p = s.posing("order", s.stolen("gateway"))
		}
		all.Go(func() {
			switch got, err := p.try(kept.operation, kept.body, kept.exactly); {
			case err == nil && got.status == 200:
				accepted.Add(1)
			case err == nil && got.status == 401 && strings.Contains(got.body, "was used already"):
				refused.Add(1)
			default:
				t.Errorf("one of 50: %v %v", got, err)
			}
		})
	}
	all.Wait()
	t.Logf("50 at once: %d executed, %d refused", accepted.Load(), refused.Load())
	if accepted.Load() != 1 || refused.Load() != 49 {
		t.Errorf("%d of 50 were executed", accepted.Load())
	}
	executed("50 at once", 1)

	// What order has accepted before, it does not know after a restart: nothing from before counts, used or not.
	unused := record()
	s.stop("order")
	s.start("order", withProfile("peer"))
	at = s.posing("order", s.stolen("gateway"))
	at.proofRefused("a used one after a restart", replay(kept), "not for this start of order")
	at.proofRefused("an unused one after a restart", replay(unused), "not for this start of order")
	executed("after a restart", 0)
	if got := replay(record()); got.status != 200 {
		t.Errorf("a fresh one after a restart: %d %s", got.status, got.body)
	}
	executed("a fresh one after a restart", 1)
	s.logged("order", "level=INFO", "a caller is asked for another proof", "peer=gateway", "not for this start of order")
}

// A user's transaction token is worth something to who may call with it, for its time, and to nobody else.
func TestACapturedTransactionTokenIsWorthWhatItsHolderMayCall(t *testing.T) {
	for _, profile := range []string{"transaction", "peer"} {
		t.Run(profile, func(t *testing.T) {
			s := openSplit(t, withProfile(profile))
			kept, err := s.thief("gateway", profile).record("order", edgeToken(s.token("alice")), ordering)
			if err != nil {
				t.Fatal(err)
			}
			captured := kept.header.Get("Txn-Token")
			user := identity.Credential{Kind: identity.Transaction, Text: secret.Text(captured)}
			stock := s.available(sony)

			// With inventory's certificate: it is in no list of callers.
			request, err := s.thief("inventory", profile).record("order", user, ordering)
			if err != nil {
				t.Fatal(err)
			}
			atOrder := s.posing("order", s.stolen("inventory"))
			atOrder.mustRefuse("with inventory's certificate", atOrder.send("order.Create", request.body, request.exactly), 403, "permission_denied", "inventory may not call order.Create")
			atSTS := s.posing("sts", s.stolen("inventory"))
			for _, kind := range []string{sts.TransactionToken, sts.AccessToken, sts.InternalToken, sts.SessionToken} {
				got := atSTS.send("sts.Exchange", exchanging(s, kind, captured, s.id("order")))
				atSTS.mustRefuse("traded as "+kind, got, 403, "permission_denied", "inventory may not call sts.Exchange")
				t.Logf("traded by inventory as %s: %d", kind, got.status)
			}
			for _, by := range []string{"gateway", "order"} { // who may trade at all gets nothing that it says it is not
				p := s.posing("sts", s.stolen(by))
				for _, kind := range []string{sts.AccessToken, sts.InternalToken, sts.SessionToken} {
					if got := p.send("sts.Exchange", exchanging(s, kind, captured, s.id("inventory"))); got.status != 401 && got.status != 403 {
						t.Errorf("traded by %s as %s: %d %s", by, kind, got.status, got.body)
					}
				}
			}

			// At the public door: it is no access token, and a header of its own is nothing there.
			for what, with := range map[string]option{
				"as an access token": bearer(captured), "in its header": setHeader("Txn-Token", captured),
				"as a session": withCookies(&http.Cookie{Name: sts.SessionCookie, Value: captured}),
			} {
				got := s.do("POST", "/order", with, body(anOrder("robbed")))
				if got.status != 401 {
					t.Errorf("%s: %d %s", what, got.status, got.body)
				}
				t.Logf("at the public door, %s: %d", what, got.status)
			}
			if got := s.do("GET", "/ui/orders", withCookies(&http.Cookie{Name: sts.SessionCookie, Value: captured})); got.status == 200 {
				t.Error("as a session it shows orders")
			}

			// With the gateway's certificate, where one good token is all that is needed.
			gateways := s.posing("order", s.stolen("gateway"))
			now := time.Now()
			signing := newForge(s.edge).key
			token := func(change func(*transaction.Token)) string {
				made := transaction.Token{
					ID: theirs, Subject: "alice", Scopes: identity.NewScopes("add_order"), Requesters: []string{"gateway"}, Callee: "order",
					Brought: "access_token", IssuedAt: now, Expires: now.Add(30 * time.Second),
				}
				change(&made)
				raw, err := made.Sign(s.config.Trust.Domain, signing)
				if err != nil {
					t.Fatal(err)
				}
				return raw
			}
			for what, c := range map[string]struct {
				tokens []string
				why    string
			}{
				"expired": {[]string{token(func(t *transaction.Token) {
					t.IssuedAt, t.Expires = now.Add(-2*time.Minute), now.Add(-time.Minute-time.Second)
				})}, "does not hold"},
				"of too long a life":          {[]string{token(func(t *transaction.Token) { t.Expires = now.Add(time.Hour) })}, "does not hold"},
				"of another transaction":      {[]string{token(func(t *transaction.Token) { t.ID = strings.Repeat("1", 32) })}, "another transaction"},
				"of nobody's request":         {[]string{token(func(t *transaction.Token) { t.Requesters = nil })}, "does not hold"},
				"altered":                     {[]string{flipped(captured)}, "does not hold"},
				"without its signature":       {[]string{captured[:strings.LastIndex(captured, ".")+1]}, "does not hold"},
				"twice":                       {[]string{captured, captured}, "2 transaction tokens"},
				"beside a foreign one":        {[]string{captured, token(func(t *transaction.Token) { t.Subject = "admin" })}, "2 transaction tokens"},
				"twice in a line":             {[]string{captured + ", " + captured}, "does not hold"},
				"empty":                       {[]string{""}, "empty transaction token"},
				"an access token in its name": {[]string{s.token("alice")}, "does not hold"},
			} {
				request, err := s.thief("gateway", profile).record("order", identity.Credential{Kind: identity.Transaction, Text: secret.Text(c.tokens[0])}, ordering)
				if c.tokens[0] == "" {
					request, err = kept, nil
				}
				if err != nil {
					t.Fatal(err)
				}
				request.header["Txn-Token"] = c.tokens
				got := gateways.send(request.operation, request.body, request.exactly)
				if profile == "peer" && c.tokens[0] == "" { // what the proof is bound to is looked at first
					c.why = "for another user's transaction token"
				}
				gateways.proofRefused(what, got, c.why)
			}
			if s.available(sony) != stock {
				t.Error("something was executed")
			}
			if request, err = s.thief("gateway", profile).record("order", user, ordering); err != nil {
				t.Fatal(err)
			}
			if got := gateways.send(request.operation, request.body, request.exactly); got.status != 200 || s.available(sony) != stock-1 {
				t.Errorf("by who may call with it: %d %s", got.status, got.body)
			}
		})
	}
}

// Who is not in the list of callers is refused, whoever he says he calls for, and however well he proves it.
func TestAGoodUserMakesNobodyACaller(t *testing.T) {
	reserving := func(ctx context.Context, conn rpc.Conn) error {
		_, err := inventory.Client{Conn: conn}.Reserve(ctx, inventory.ReserveRequest{
			Key: "stolen", Revision: 1, Lines: []inventory.Line{{Category: "electronics", Code: "SOWH1000XM4", Quantity: 1}}, By: "admin",
		})
		return err
	}
	adjusting := func(ctx context.Context, conn rpc.Conn) error {
		_, err := inventory.Client{Conn: conn}.Adjust(ctx, inventory.AdjustRequest{Category: "electronics", Code: "SOWH1000XM4", Delta: -1, Reason: "theft"})
		return err
	}
	for _, profile := range []string{"exchange", "transaction", "peer"} {
		t.Run(profile, func(t *testing.T) {
			s := openSplit(t, withProfile(profile))
			admin := edgeToken(s.token("admin"))
			stock := s.available(sony)
			brought := map[string]identity.Credential{"gateway": admin} // by workload, what it has of the administrator
			if profile == "exchange" {
				given := s.received("gateway", "order", sts.AccessToken, admin.Text.Reveal()).AccessToken
				brought["order"] = identity.Credential{Kind: identity.Internal, Text: given}
				brought["inventory"] = identity.Credential{Kind: identity.Internal, Text: s.received("order", "inventory", sts.InternalToken, given.Reveal()).AccessToken}
			} else {
				kept, err := s.thief("gateway", profile).record("order", admin, ordering)
				if err != nil {
					t.Fatal(err)
				}
				passed := identity.Credential{Kind: identity.Transaction, Text: secret.Text(kept.header.Get("Txn-Token"))}
				brought["order"], brought["inventory"] = passed, passed
			}
			for _, c := range []struct {
				by, callee, operation string
				call                  func(context.Context, rpc.Conn) error
			}{
				{"gateway", "inventory", "inventory.Reserve", reserving},
				{"order", "inventory", "inventory.Adjust", adjusting},
				{"order", "order", "order.Create", ordering},
				{"inventory", "inventory", "inventory.Adjust", adjusting},
				{"inventory", "inventory", "inventory.Reserve", reserving},
				{"inventory", "order", "order.Create", ordering},
				{"sts", "order", "order.Create", ordering},
				{"sts", "inventory", "inventory.Reserve", reserving},
			} {
				what := c.by + " calls " + c.operation
				user, has := brought[c.by]
				if !has {
					user = brought["order"]
				}
				request, err := s.thief(c.by, profile).record(c.callee, user, c.call)
				if err != nil { // no proof is to be had
					if code := fault.CodeOf(err); profile != "exchange" || code != fault.PermissionDenied && code != fault.Unauthenticated {
						t.Errorf("%s: %v", what, err)
					}
					t.Logf("%s: the STS gives it no proof: %v", what, err)
					continue
				}
				p := s.posing(c.callee, s.stolen(c.by))
				got := p.send(c.operation, request.body, request.exactly)
				p.mustRefuse(what, got, 403, "permission_denied", c.by+" may not call "+c.operation)
				s.logged(c.callee, "msg=decision", "operation="+c.operation, "caller="+c.by, "reason=caller_not_listed")
				t.Logf("%s: %d", what, got.status)
			}
			if s.available(sony) != stock {
				t.Error("something was executed")
			}
		})
	}
}
