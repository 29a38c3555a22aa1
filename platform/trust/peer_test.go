package trust_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpc/rpctest"
	"oms/platform/token"
	"oms/platform/trust"
	"oms/platform/trust/peer"
)

func newPeer(t *testing.T, o trust.Options) *peer.Profile {
	t.Helper()
	p, err := peer.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// between are the two sides of a call, which have met.
func between(t *testing.T, w *world) (gateway, order *peer.Profile) {
	t.Helper()
	gateway, order = newPeer(t, w.options("gateway")), newPeer(t, w.options("order"))
	meet(t, gateway, order)
	return gateway, order
}

// meet makes the first call of the gateway to order: it is refused, and told what the next one has to hold.
func meet(t *testing.T, gateway, order *peer.Profile) {
	t.Helper()
	c := mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}"))
	if !gateway.Refused(nobody(), c, refusal(t, order, received(c))) {
		t.Error("no other attempt")
	}
}

// refusal is what a callee says to a proof that it does not accept.
func refusal(t *testing.T, callee trust.Profile, c *rpc.Call) *fault.Error {
	t.Helper()
	_, err := callee.Verify(context.Background(), c)
	if !rpc.Refused(fault.From(err)) {
		t.Fatalf("not refused: %v", err)
	}
	return fault.From(err)
}

func TestAPeerProvesEveryCallByItself(t *testing.T) {
	w := newWorld(t)
	gateway, order := between(t, w)
	for _, ctx := range []context.Context{alice(), nobody(), alice()} {
		c := mustAttach(t, gateway, ctx, call("gateway", "order", "order.Create", "{}"))
		proven := mustVerify(t, order, received(c))
		subject := ""
		if identity.CredentialFrom(ctx).Kind != identity.NoCredential {
			subject = "alice"
		}
		if proven.Caller != "gateway" || proven.Subject != subject {
			t.Errorf("%+v", proven)
		}
	}
}

// Replay: the same request twice, one after the other and fifty at once.
func TestAProofIsAcceptedOnce(t *testing.T) {
	w := newWorld(t)
	gateway, order := between(t, w)
	c := mustAttach(t, gateway, alice(), call("gateway", "order", "order.Create", "{}"))
	mustVerify(t, order, received(c))
	mustRefuse(t, order, "the same once more", received(c))
	w.forward(20 * time.Second)
	mustRefuse(t, order, "the same a while later", received(c))

	fresh := mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Create", "{}"))
	var accepted atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := order.Verify(context.Background(), received(fresh)); err == nil {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	if got := accepted.Load(); got != 1 {
		t.Errorf("accepted %d times", got)
	}
}

// What a callee accepted before it was started anew it cannot know: nothing from before its start counts, whatever the
// clocks say.
func TestAProofIsNotAcceptedAgainAfterARestart(t *testing.T) {
	for what, ahead := range map[string]time.Duration{"a clock like ours": 0, "a caller whose clock is ahead": 20 * time.Second, "a caller whose clock is behind": -20 * time.Second} {
		w := newWorld(t)
		order := newPeer(t, w.options("order"))
		options := w.options("gateway")
		options.Now = func() time.Time { return w.Now().Add(ahead) }
		gateway := newPeer(t, options)
		meet(t, gateway, order)
		c := mustAttach(t, gateway, alice(), call("gateway", "order", "order.Create", "{}"))
		if c.Header.Get("Workload-Keys") == "" {
			t.Fatal("the caller has not introduced itself, so this would prove nothing")
		}
		mustVerify(t, order, received(c))
		w.forward(5 * time.Second)
		restarted := newPeer(t, w.options("order"))
		mustRefuse(t, restarted, what+": a replay after a restart", received(c))
		meet(t, gateway, restarted)
		mustVerify(t, restarted, received(mustAttach(t, gateway, alice(), call("gateway", "order", "order.Create", "{}"))))
		mustRefuse(t, restarted, what+": a replay after they have met", received(c))
	}
}

// A caller cannot know which process of a callee answers: once it has met all of them, none asks for another proof. A proof
// is good once for each, and its size is bounded however often processes are started anew.
func TestAProofIsGoodForEveryProcessOfACallee(t *testing.T) {
	w := newWorld(t)
	gateway := newPeer(t, w.options("gateway"))
	var orders []*peer.Profile
	for range 3 {
		orders = append(orders, newPeer(t, w.options("order")))
		meet(t, gateway, orders[len(orders)-1])
	}
	w.forward(time.Minute) // past the time in which it introduces itself with every call
	for range 2 {
		for i, order := range orders {
			meetKeys(t, gateway, order)
			c := mustAttach(t, gateway, alice(), call("gateway", "order", "order.Create", "{}"))
			mustVerify(t, order, received(c))
			mustRefuse(t, order, fmt.Sprintf("process %d, again", i), received(c))
		}
	}
	before := len(mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}")).Header.Get("Workload-Proof"))
	for range 100 {
		meet(t, gateway, newPeer(t, w.options("order")))
	}
	if after := len(mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}")).Header.Get("Workload-Proof")); after > before+800 {
		t.Errorf("a proof has grown from %d to %d bytes", before, after)
	}
}

// meetKeys has a process that does not know the gateway's keys ask for them.
func meetKeys(t *testing.T, gateway, order *peer.Profile) {
	t.Helper()
	c := mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}"))
	if _, err := order.Verify(context.Background(), received(c)); rpc.Challenge(fault.From(err)) {
		gateway.Refused(nobody(), c, fault.From(err))
		mustVerify(t, order, received(mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}"))))
	}
}

// turns are several processes of a callee behind one address: each attempt reaches the next one.
type turns struct {
	rpc.Transport
	servers []*rpc.Server
	next    int
}

func (t *turns) Send(ctx context.Context, c *rpc.Outgoing) error {
	t.next++
	return rpc.Local(t.servers[t.next%len(t.servers)]).Send(ctx, c)
}

// A call meets several processes for the first time and still gets its answer; later ones need no other attempt.
func TestACallReachesAnyProcessOfACallee(t *testing.T) {
	w := newWorld(t)
	gateway := newPeer(t, w.options("gateway"))
	log := slog.New(slog.DiscardHandler)
	var behind turns
	for range 3 {
		host, _ := rpctest.NewProbe(t)
		behind.servers = append(behind.servers, rpc.NewServer(host, newPeer(t, w.options("probe")), log))
	}
	behind.Transport = rpc.Local(behind.servers[0])
	conn := rpc.NewConn(rpc.ConnOptions{Caller: "gateway", Callee: "probe", Profile: gateway, Transport: &behind, Log: log})
	for i := range 30 {
		before := behind.next
		if _, err := rpctest.Public.Call(nobody(), conn, rpctest.Nothing{}); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		if attempts := behind.next - before; i >= 3 && attempts != 1 {
			t.Errorf("call %d took %d attempts", i, attempts)
		}
	}
}

// When a callee is started anew, many calls are refused at once. The second attempt of each is its last one, so none may
// depend on arriving after another.
func TestEveryRefusedCallIntroducesItsCallerAnew(t *testing.T) {
	w := newWorld(t)
	gateway, order := between(t, w)
	attach := func() *rpc.Call {
		return mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}"))
	}
	mustVerify(t, order, received(attach()))
	w.forward(time.Minute)
	order = newPeer(t, w.options("order"))
	first, second := attach(), attach()
	for _, c := range []*rpc.Call{first, second} {
		if !gateway.Refused(nobody(), c, refusal(t, order, received(c))) {
			t.Error("no other attempt")
		}
	}
	first, second = attach(), attach()
	mustVerify(t, order, received(second))
	mustVerify(t, order, received(first))
	w.forward(time.Minute)
	if later := attach(); later.Header.Get("Workload-Keys") != "" {
		t.Error("it introduces itself for ever")
	}
}

func TestAProofIsForOneCall(t *testing.T) {
	w := newWorld(t)
	gateway, order := between(t, w)
	inventory := newPeer(t, w.options("inventory"))
	mustVerify(t, order, mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}"))) // introduced
	others := w.alices()
	others.Subject = "bob"
	for what, change := range map[string]func(*rpc.Call){
		"another operation":        func(c *rpc.Call) { c.Operation = "order.Cancel" },
		"another body":             func(c *rpc.Call) { c.Digest[0] ^= 1 },
		"another user":             func(c *rpc.Call) { c.Header.Set("Txn-Token", w.sign(others)) },
		"no user":                  func(c *rpc.Call) { c.Header.Del("Txn-Token") },
		"two proofs":               func(c *rpc.Call) { c.Header.Add("Workload-Proof", c.Header.Get("Workload-Proof")) },
		"no proof":                 func(c *rpc.Call) { c.Header.Del("Workload-Proof") },
		"two transaction tokens":   func(c *rpc.Call) { c.Header.Add("Txn-Token", w.sign(others)) },
		"an Authorization header":  func(c *rpc.Call) { c.Header.Set("Authorization", "Bearer x") },
		"another's certificate":    func(c *rpc.Call) { c.Caller = "inventory" },
		"an altered proof":         func(c *rpc.Call) { c.Header.Set("Workload-Proof", flip(c.Header.Get("Workload-Proof"))) },
		"a token in place of it":   func(c *rpc.Call) { c.Header.Set("Workload-Proof", c.Header.Get("Txn-Token")) },
		"it in place of the token": func(c *rpc.Call) { c.Header.Set("Txn-Token", c.Header.Get("Workload-Proof")) },
	} {
		c := mustAttach(t, gateway, alice(), call("gateway", "order", "order.Create", "{}"))
		mustRefuse(t, order, what, received(c, change))
	}
	c := mustAttach(t, gateway, alice(), call("gateway", "order", "order.Create", "{}"))
	mustRefuse(t, inventory, "at another callee", received(c, func(c *rpc.Call) { c.Callee = "inventory" }))
	w.forward(61 * time.Second)
	mustRefuse(t, order, "too late", received(c))
}

func flip(text string) string {
	altered := []byte(text)
	altered[len(altered)-10] ^= 1
	return string(altered)
}

// A user whom nobody brought cannot be added: the token is the STS's, and the proof is bound to it.
func TestAPeerCannotMakeUpAUser(t *testing.T) {
	w := newWorld(t)
	gateway, order := between(t, w)
	forged := identity.WithCredential(nobody(), identity.Credential{Kind: identity.Transaction, Text: "forged"})
	mustRefuse(t, order, "a forged user", received(mustAttach(t, gateway, forged, call("gateway", "order", "order.Create", "{}"))))
}

// The registry: everybody introduces itself, and nobody another one or too much.
func TestIntroductions(t *testing.T) {
	w := newWorld(t)
	gateway, order := between(t, w)
	good := mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}"))
	keys := good.Header.Get("Workload-Keys")
	decoded, err := base64.RawURLEncoding.DecodeString(keys)
	if err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, order, "the gateway's keys and proof, with inventory's certificate", received(good, func(c *rpc.Call) { c.Caller = "inventory" }))
	mustVerify(t, order, received(good))

	many := `{"keys":[` + strings.Repeat(strings.TrimSuffix(strings.TrimPrefix(string(decoded), `{"keys":[`), `]}`)+",", 9)
	for what, introduced := range map[string]string{
		"not base64url": "***", "not JSON": encode("nothing"), "no keys": encode(`{"keys":[]}`), "not keys": encode(`{"keys":[{}]}`),
		"a shared secret":            encode(`{"keys":[{"kty":"oct","kid":"x","k":"AAAA"}]}`),
		"a name that is not its own": encode(strings.Replace(string(decoded), `"kid":"`, `"kid":"x`, 1)),
		"the same nine times":        encode(strings.TrimSuffix(many, ",") + "]}"),
		"too long":                   strings.Repeat("A", 9<<10),
	} {
		c := mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}"))
		c.Header.Set("Workload-Keys", introduced)
		mustRefuse(t, order, what, received(c))
	}
	twice := mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}"))
	twice.Header["Workload-Keys"] = []string{keys, keys}
	mustRefuse(t, order, "two introductions", received(twice))
	mustVerify(t, order, received(mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}")))) // a bad one has not replaced the good one
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// A key that somebody has stolen is revoked whatever else there is.
func TestTheKeyThatSignsIsRevokedAlsoWhereThereAreAsManyAsThereMayBe(t *testing.T) {
	w := newWorld(t)
	options := w.options("gateway")
	newPeer(t, options)
	file := options.KeyFile("gateway")
	for range 7 {
		if _, err := peer.RotateKeys(file, w.Now(), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := peer.RotateKeys(file, w.Now(), time.Hour); err == nil {
		t.Fatal("there is room for more")
	}
	before, err := peer.ListKeys(file, w.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.RevokeKey(file, before[0].ID, w.Now()); err != nil {
		t.Fatal(err)
	}
	after, err := peer.ListKeys(file, w.Now())
	if err != nil || len(after) != len(before) || after[0].ID == before[0].ID || !after[0].Retires.IsZero() {
		t.Errorf("%d keys, %v", len(after), err)
	}
}

// Keys are replaced while calls go on; the old ones overlap, and then are refused.
func TestAPeersKeysAreRotatedInGoodOrder(t *testing.T) {
	w := newWorld(t)
	options := w.options("gateway")
	gateway, order := newPeer(t, options), newPeer(t, w.options("order"))
	meet(t, gateway, order)
	attach := func() *rpc.Call {
		return mustAttach(t, gateway, nobody(), call("gateway", "order", "order.Get", "{}"))
	}
	stranger := call("inventory", "order", "order.Get", "{}")
	stranger.Header.Set("Workload-Proof", "none")
	nonce := refusal(t, order, stranger).Fields[0].Detail
	first := attach()
	mustVerify(t, order, received(first))
	under := attach() // under way while the key is replaced
	old := kid(t, under)
	if _, err := peer.RotateKeys(options.KeyFile("gateway"), w.Now(), 20*time.Second); err != nil {
		t.Fatal(err)
	}
	w.forward(time.Second)
	after := attach()
	if kid(t, after) == old || after.Header.Get("Workload-Keys") == "" {
		t.Error("the new key does not sign, or was not introduced")
	}
	mustVerify(t, order, received(after))
	mustVerify(t, order, received(under))
	late := signedBy(t, options.KeyFile("gateway"), old, nonce, w, "late")
	mustVerify(t, order, late)
	w.forward(20 * time.Second)
	mustRefuse(t, order, "an old key after the overlap", signedBy(t, options.KeyFile("gateway"), old, nonce, w, "too late"))
	mustVerify(t, order, received(attach()))

	list, err := peer.ListKeys(options.KeyFile("gateway"), w.Now())
	if err != nil || len(list) != 1 {
		t.Errorf("%d keys count, %v", len(list), err)
	}
	if err := peer.RevokeKey(options.KeyFile("gateway"), list[0].ID, w.Now()); err != nil {
		t.Fatal(err)
	}
	w.forward(time.Second)
	mustVerify(t, order, received(attach()))
	mustRefuse(t, order, "a revoked key", signedBy(t, options.KeyFile("gateway"), list[0].ID, nonce, w, "revoked"))
}

// kept are the keys as a thief would have kept them.
var kept sync.Map

// kid is the name of the key that signed a call.
func kid(t *testing.T, c *rpc.Call) string {
	t.Helper()
	peeked, err := token.Peek(c.Header.Get("Workload-Proof"))
	if err != nil {
		t.Fatal(err)
	}
	return peeked.Header.KeyID
}

// signedBy is a call that is signed by a key which was in the file once.
func signedBy(t *testing.T, file, id, nonce string, w *world, jti string) *rpc.Call {
	t.Helper()
	if list, err := peer.ListKeys(file, time.Time{}); err == nil {
		for _, k := range list {
			kept.Store(k.ID, k.Private)
		}
	}
	private, _ := kept.Load(id)
	der, err := base64.StdEncoding.DecodeString(private.(string))
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.ParseSigningKey(der, token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	c := call("gateway", "order", "order.Get", "{}")
	proof, err := token.Sign(key, "workload-proof+jwt", map[string]any{
		"iss": "spiffe://orders.local/gateway", "sub": "spiffe://orders.local/gateway", "aud": "spiffe://orders.local/order",
		"iat": token.NumericDate(w.Now()), "exp": token.NumericDate(w.Now().Add(10 * time.Second)), "jti": jti, "op": c.Operation,
		"digest": base64.RawURLEncoding.EncodeToString(c.Digest[:]), "nonces": []string{nonce},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Header = http.Header{"Workload-Proof": {proof}}
	return c
}

func TestAPeersKeysAreItsOwn(t *testing.T) {
	w := newWorld(t)
	options := w.options("gateway")
	newPeer(t, options)
	file := options.KeyFile("gateway")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.New(options); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("keys that others can read: %v", err)
	}
	for _, damaged := range []string{"", "{}", `{"keys":[]}`, `{"keys":[{"kid":"x","private":"AAAA"}]}`, `{"keys":[{"kid":"x","private":"***"}]}`} {
		if err := errors.Join(os.WriteFile(file, []byte(damaged), 0o600), os.Chmod(file, 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := peer.New(options); err == nil || !strings.Contains(err.Error(), "is damaged") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", damaged, err)
		}
	}
	if _, err := peer.ListKeys(file+".none", w.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := newPeer(t, w.options("gateway")).Attach(nobody(), call("order", "inventory", "inventory.List", "{}")); fault.CodeOf(err) != fault.Internal {
		t.Errorf("for a workload of another process: %v", err)
	}
}

func TestAPeerPublishesItsPublicKeysAlone(t *testing.T) {
	w := newWorld(t)
	published, err := newPeer(t, w.options("gateway", "order")).Published()
	if err != nil || len(published) != 2 {
		t.Fatal(published, err)
	}
	for workload, jwks := range published {
		if strings.Contains(jwks, `"d"`) || strings.Contains(jwks, "private") {
			t.Errorf("%s publishes a private key: %s", workload, jwks)
		}
		if _, err := token.ParseKeySet([]byte(jwks)); err != nil {
			t.Error(err)
		}
	}
}
