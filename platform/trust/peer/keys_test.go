package peer_test

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
	"oms/platform/token"
	"oms/platform/trust/peer"
	"oms/platform/trust/trusttest"
)

// Commands that change the keys in the same moment do not undo each other: what is revoked stays so (CWE-367).
func TestKeysAreChangedOneAfterTheOther(t *testing.T) {
	file, now := t.TempDir()+"/pki/keys.json", time.Now()
	stolen, err := peer.RotateKeys(file, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	const rotations = 6 // with the key that replaces the stolen one, as many as there may be
	var all sync.WaitGroup
	made := make([]string, rotations)
	for i := range rotations {
		all.Go(func() {
			var err error
			if made[i], err = peer.RotateKeys(file, now, time.Hour); err != nil {
				t.Error(err)
			}
		})
	}
	all.Go(func() {
		if err := peer.RevokeKey(file, stolen, now); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
	left, err := peer.ListKeys(file, now)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, key := range left {
		ids[key.ID] = true
	}
	for _, id := range made {
		if !ids[id] {
			t.Errorf("the key %s was lost", id)
		}
	}
	if ids[stolen] {
		t.Error("the revoked key is back")
	}
}

// A key that somebody has stolen is revoked whatever else there is.
func TestTheKeyThatSignsIsRevokedAlsoWhereThereAreAsManyAsThereMayBe(t *testing.T) {
	d := trusttest.NewDomain(t)
	options := d.Options("gateway")
	newPeer(t, options)
	file := options.KeyFile("gateway")
	for range 7 {
		if _, err := peer.RotateKeys(file, d.Now(), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := peer.RotateKeys(file, d.Now(), time.Hour); err == nil {
		t.Fatal("there is room for more")
	}
	before, err := peer.ListKeys(file, d.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.RevokeKey(file, before[0].ID, d.Now()); err != nil {
		t.Fatal(err)
	}
	after, err := peer.ListKeys(file, d.Now())
	if err != nil || len(after) != len(before) || after[0].ID == before[0].ID || !after[0].Retires.IsZero() {
		t.Errorf("%d keys, %v", len(after), err)
	}
}

// Keys are replaced while calls go on; the old ones overlap, and then are refused.
func TestAPeersKeysAreRotatedInGoodOrder(t *testing.T) {
	d := trusttest.NewDomain(t)
	options := d.Options("gateway")
	gateway, order := newPeer(t, options), newPeer(t, d.Options("order"))
	meet(t, gateway, order)
	attach := func() *rpc.Call {
		return trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}"))
	}
	stranger := trusttest.Call("inventory", "order", "order.Get", "{}")
	stranger.Header.Set("Workload-Proof", "none")
	nonce := refusal(t, order, stranger).Fields[0].Detail
	first := attach()
	trusttest.MustVerify(t, order, trusttest.Received(first))
	under := attach() // under way while the key is replaced
	old := kid(t, under)
	if _, err := peer.RotateKeys(options.KeyFile("gateway"), d.Now(), 20*time.Second); err != nil {
		t.Fatal(err)
	}
	d.Forward(time.Second)
	after := attach()
	if kid(t, after) == old || after.Header.Get("Workload-Keys") == "" {
		t.Error("the new key does not sign, or was not introduced")
	}
	trusttest.MustVerify(t, order, trusttest.Received(after))
	trusttest.MustVerify(t, order, trusttest.Received(under))
	late := signedBy(t, options.KeyFile("gateway"), old, nonce, d, "late")
	trusttest.MustVerify(t, order, late)
	d.Forward(20 * time.Second)
	trusttest.MustRefuse(t, order, "an old key after the overlap", signedBy(t, options.KeyFile("gateway"), old, nonce, d, "too late"))
	trusttest.MustVerify(t, order, trusttest.Received(attach()))

	list, err := peer.ListKeys(options.KeyFile("gateway"), d.Now())
	if err != nil || len(list) != 1 {
		t.Errorf("%d keys count, %v", len(list), err)
	}
	if err := peer.RevokeKey(options.KeyFile("gateway"), list[0].ID, d.Now()); err != nil {
		t.Fatal(err)
	}
	d.Forward(time.Second)
	trusttest.MustVerify(t, order, trusttest.Received(attach()))
	trusttest.MustRefuse(t, order, "a revoked key", signedBy(t, options.KeyFile("gateway"), list[0].ID, nonce, d, "revoked"))
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
func signedBy(t *testing.T, file, id, nonce string, d *trusttest.Domain, jti string) *rpc.Call {
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
	c := trusttest.Call("gateway", "order", "order.Get", "{}")
	proof, err := token.Sign(key, "workload-proof+jwt", map[string]any{
		"iss": "spiffe://orders.local/gateway", "sub": "spiffe://orders.local/gateway", "aud": "spiffe://orders.local/order",
		"iat": token.NumericDate(d.Now()), "exp": token.NumericDate(d.Now().Add(10 * time.Second)), "jti": jti, "op": c.Operation,
		"digest": base64.RawURLEncoding.EncodeToString(c.Digest[:]), "nonces": []string{nonce},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Header = http.Header{"Workload-Proof": {proof}}
	return c
}

func TestAPeersKeysAreItsOwn(t *testing.T) {
	d := trusttest.NewDomain(t)
	options := d.Options("gateway")
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
	if _, err := peer.ListKeys(file+".none", d.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := newPeer(t, d.Options("gateway")).Attach(trusttest.Nobody(), trusttest.Call("order", "inventory", "inventory.List", "{}")); fault.CodeOf(err) != fault.Internal {
		t.Errorf("for a workload of another process: %v", err)
	}
}

func TestAPeerPublishesItsPublicKeysAlone(t *testing.T) {
	d := trusttest.NewDomain(t)
	published, err := newPeer(t, d.Options("gateway", "order")).Published()
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
