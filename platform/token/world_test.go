package token_test

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"oms/platform/token"
)

// now is the injected time of all tests.
var now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

const leeway = 30 * time.Second

// world is an issuer with one key, as our own token service is.
type world struct {
	key    token.SigningKey
	keys   *token.KeySet
	issuer token.Issuer
}

func newWorld(t testing.TB, algorithm token.Algorithm) world {
	t.Helper()
	key, err := token.GenerateSigningKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeySet(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return world{key: key, keys: keys, issuer: token.Issuer{
		Name: "https://orders.example", Audience: "https://orders.example/api",
		Algorithms: []token.Algorithm{algorithm}, Types: []string{"at+jwt"},
		MaxLifetime: 5 * time.Minute, Leeway: leeway, Require: []string{"jti", "client_id"},
	}}
}

// proven is a world whose plain token is accepted, forged the way the attacks forge theirs: whatever a test changes in
// it afterwards is what the token is refused for.
func proven(t testing.TB, algorithm token.Algorithm) world {
	t.Helper()
	w := newWorld(t, algorithm)
	w.accept(t, w.forge(t, text(t, w.header()), text(t, w.claims())))
	return w
}

// signed is a token with this header and these claims and a signature that holds.
func (w world) signed(t testing.TB, header, claims object) string {
	t.Helper()
	return w.forge(t, text(t, header), text(t, claims))
}

type object = map[string]any

func (w world) claims() object {
	return object{
		"iss": w.issuer.Name, "aud": w.issuer.Audience, "sub": "alice",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"jti": "01JGK3E8M4", "client_id": "shop", "scope": "add_order view_orders",
	}
}

func (w world) header() object {
	return object{"alg": string(w.key.Algorithm()), "kid": w.key.ID(), "typ": "at+jwt"}
}

func (w world) sign(t testing.TB, typ string, claims any) string {
	t.Helper()
	raw, err := token.Sign(w.key, typ, claims)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// forge signs any header and claims text with the issuer's real key: what an attacker may achieve at worst, and the
// way to change one thing in a token whose signature holds.
func (w world) forge(t testing.TB, header, claims string) string {
	t.Helper()
	return w.forgeEncoded(t, encode(header), encode(claims))
}

func (w world) forgeEncoded(t testing.TB, header, claims string) string {
	t.Helper()
	text := header + "." + claims
	signature, err := method(t, w.key.Algorithm()).Sign(text, w.private(t))
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(string(signature))
}

func (w world) private(t testing.TB) crypto.Signer {
	t.Helper()
	der, err := w.key.MarshalPKCS8()
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return private.(crypto.Signer)
}

// method is the codec for forged signatures, for every algorithm that golang-jwt has.
func method(t testing.TB, algorithm token.Algorithm) jwt.SigningMethod {
	t.Helper()
	found := jwt.GetSigningMethod(string(algorithm))
	if found == nil {
		t.Fatalf("no signing method %s", algorithm)
	}
	return found
}

func (w world) accept(t testing.TB, raw string) token.Claims {
	t.Helper()
	claims, err := w.issuer.Verify(raw, w.keys, now)
	if err != nil {
		t.Fatalf("must be accepted: %v", err)
	}
	return claims
}

// refuse wants the token refused for one of the reasons, with an error that is fit for a log.
func (w world) refuse(t testing.TB, raw string, reasons ...token.Reason) {
	t.Helper()
	claims, err := w.issuer.Verify(raw, w.keys, now)
	checkRefusal(t, raw, claims, err, reasons...)
}

func checkRefusal(t testing.TB, raw string, claims token.Claims, err error, reasons ...token.Reason) {
	t.Helper()
	if err == nil {
		t.Fatalf("must be refused: %.300q", raw)
	}
	if claims.Subject != "" || claims.Issuer != "" || claims.Scopes != nil {
		t.Errorf("claims of a refused token came back: %+v", claims)
	}
	got, listed := token.ReasonOf(err), false
	for _, reason := range reasons {
		listed = listed || got == reason
	}
	if !listed {
		t.Errorf("refused for %q, want %q: %v", got, reasons, err)
	}
	text := err.Error()
	if len(text) > 400 || (len(raw) > 100 && strings.Contains(text, raw[:100])) {
		t.Errorf("the error repeats the token or is unbounded: %d bytes", len(text))
	}
	for _, r := range text {
		if r < ' ' || r > '~' {
			t.Errorf("the error holds raw bytes: %q", text)
			break
		}
	}
}

// with is a copy with one member changed; a value of drop removes it.
func with(from object, name string, value any) object {
	changed := maps.Clone(from)
	if _, gone := value.(drop); gone {
		delete(changed, name)
		return changed
	}
	changed[name] = value
	return changed
}

type drop struct{}

func text(t testing.TB, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func decode(t testing.TB, s string) string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// insert puts members in front of those of a JSON object.
func insert(object, members string) string { return "{" + members + "," + object[1:] }
