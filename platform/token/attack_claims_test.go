package token_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"oms/platform/token"
)

// CVE-2020-26160, RFC 7519 section 4.1.3, RFC 8725 section 3.9: aud must name us, exactly.
func TestAttackAudience(t *testing.T) {
	w := proven(t, token.ES256)
	us := w.issuer.Audience
	w.accept(t, w.signed(t, w.header(), with(w.claims(), "aud", []string{"https://other.example", us})))
	for _, aud := range []any{
		drop{}, nil, "", []string{}, []string{""}, []string{us, ""}, 7, true, object{"aud": us}, [][]string{{us}}, []any{us, 7}, []any{us, nil},
		"https://attacker.example", us[:len(us)-1], us + "/", us + "x", "x" + us, strings.ToUpper(us), us + " ", us + "\x00", us + "," + us, "*",
		[]string{us[:len(us)-1], us + "/"}, "https://orders.example", "https://orders.example/%61pi",
	} {
		w.refuse(t, w.signed(t, w.header(), with(w.claims(), "aud", aud)), token.ReasonAudience)
	}
}

// RFC 7519 section 4.1.1, RFC 8725 section 3.8: iss must be the issuer whose keys these are, exactly.
func TestAttackIssuer(t *testing.T) {
	w := proven(t, token.ES256)
	us := w.issuer.Name
	for _, iss := range []any{
		drop{}, nil, "", 7, []string{us}, object{"iss": us}, "https://attacker.example", us + "/", us + ".attacker.example", strings.ToUpper(us),
		us + "\x00", " " + us, us[:len(us)-1], "http" + us[5:],
	} {
		w.refuse(t, w.signed(t, w.header(), with(w.claims(), "iss", iss)), token.ReasonIssuer)
	}
}

// RFC 7519 section 4.1.2, RFC 9068 section 2.2: there is a subject, and it is fit for logs, pages and databases.
func TestAttackSubject(t *testing.T) {
	w := proven(t, token.ES256)
	for _, sub := range []string{strings.Repeat("a", 256), "größe", "x y", "0"} {
		if got := w.accept(t, w.signed(t, w.header(), with(w.claims(), "sub", sub))).Subject; got != sub {
			t.Errorf("subject %q became %q", sub, got)
		}
	}
	for _, sub := range []any{
		drop{}, nil, "", 0, 7, true, []string{"alice"}, object{"sub": "alice"}, "a\x00", "a\nb", "\x7f", "a\u0085b", strings.Repeat("a", 257),
	} {
		w.refuse(t, w.signed(t, w.header(), with(w.claims(), "sub", sub)), token.ReasonSubject)
	}
}

// RFC 7519 section 2: exp, iat and nbf are numbers of seconds, or the token is refused; only nbf may be absent.
func TestAttackDatesOfWrongForm(t *testing.T) {
	w := proven(t, token.ES256)
	w.accept(t, w.signed(t, w.header(), with(w.claims(), "nbf", drop{})))
	for _, name := range []string{"exp", "iat", "nbf"} {
		if name != "nbf" {
			w.refuse(t, w.signed(t, w.header(), with(w.claims(), name, drop{})), token.ReasonClaim)
		}
		for _, literal := range []string{
			`"1893553445"`, `""`, `null`, `true`, `[]`, `{}`, `[1893553445]`, `-1`, `-0`, `0`, `0.0`, `0e5`, `1e18`, `1e12`, `1000000000000`,
			`1e400`, `1e-400`, `99999999999999999999`, `-1893553445`, `1893553445000`, `-0.5`, `1.8e12`, `0.0000000000001`,
		} {
			w.refuse(t, w.signed(t, w.header(), with(w.claims(), name, json.RawMessage(literal))), token.ReasonClaim)
		}
		for _, literal := range []string{`NaN`, `Infinity`, `-Infinity`, `0x70E00000`, `1893553445.`, `.5`, `01893553445`, `1_893_553_445`} {
			claims := text(t, with(w.claims(), name, drop{}))
			w.refuse(t, w.forge(t, text(t, w.header()), insert(claims, `"`+name+`":`+literal)), token.ReasonMalformed)
		}
	}
}

// RFC 7519 sections 4.1.4 to 4.1.6: each date holds to the nanosecond at the edge of the leeway.
func TestAttackDatesBeyondLeeway(t *testing.T) {
	w := proven(t, token.ES256)
	for _, edge := range []struct {
		name   string
		at     time.Time // the last moment that is accepted
		beyond time.Duration
		reason token.Reason
		others object
	}{
		{"exp", now.Add(-leeway + 1), -1, token.ReasonExpired, object{"iat": now.Add(-4 * time.Minute).Unix(), "nbf": now.Add(-4 * time.Minute).Unix()}},
		{"nbf", now.Add(leeway), 1, token.ReasonNotYetValid, nil},
		{"iat", now.Add(leeway), 1, token.ReasonNotYetValid, nil},
	} {
		claims := w.claims()
		for name, value := range edge.others {
			claims[name] = value
		}
		w.accept(t, w.signed(t, w.header(), with(claims, edge.name, token.NumericDate(edge.at))))
		w.refuse(t, w.signed(t, w.header(), with(claims, edge.name, token.NumericDate(edge.at.Add(edge.beyond)))), edge.reason)
		w.refuse(t, w.signed(t, w.header(), with(claims, edge.name, token.NumericDate(edge.at.Add(time.Duration(edge.beyond.Nanoseconds())*time.Minute)))), edge.reason)
		exact := w
		exact.issuer.Leeway = 0
		exact.refuse(t, w.signed(t, w.header(), with(claims, edge.name, token.NumericDate(edge.at))), edge.reason)
	}
}

// RFC 8725 section 3: a token that lives longer than this issuer may make it.
func TestAttackLifetime(t *testing.T) {
	w := proven(t, token.ES256)
	for _, exp := range []time.Time{now.Add(5*time.Minute + 1), now.Add(time.Hour), time.Unix(999_999_999_999, 0), now, now.Add(-time.Second)} {
		w.refuse(t, w.signed(t, w.header(), with(w.claims(), "exp", token.NumericDate(exp))), token.ReasonLifetime)
	}
	w.issuer.MaxLifetime = 1<<63 - 1 // the longest there is must not wrap around
	w.accept(t, w.signed(t, w.header(), w.claims()))
	w.refuse(t, w.signed(t, w.header(), with(w.claims(), "exp", 999_999_999_999)), token.ReasonLifetime)
}

// RFC 7519 section 7.2: a token that nobody signed is not told apart by its claims.
func TestAttackExpiredAndBadlySigned(t *testing.T) {
	w := proven(t, token.ES256)
	attacker := newWorld(t, token.ES256)
	for name, value := range map[string]any{"exp": now.Add(-time.Hour).Unix(), "iss": "x", "aud": "x", "sub": "", "iat": "x", "scope": 7} {
		claims := with(w.claims(), name, value)
		w.refuse(t, attacker.signed(t, w.header(), claims), token.ReasonSignature)
		unknown := with(w.header(), "kid", "x")
		w.refuse(t, attacker.signed(t, unknown, claims), token.ReasonKeyUnknown)
	}
	w.refuse(t, attacker.forge(t, text(t, w.header()), "not JSON"), token.ReasonSignature)
}

// RFC 7517 section 5: a key that is no longer published signs nothing, however long its tokens would live.
func TestAttackRemovedKey(t *testing.T) {
	w := proven(t, token.ES256)
	raw, next := w.signed(t, w.header(), w.claims()), newWorld(t, token.ES256)
	both, err := token.NewKeySet(w.key.Public(), next.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	w.keys = both
	w.accept(t, raw)
	w.keys = next.keys
	w.refuse(t, raw, token.ReasonKeyUnknown)
	w.keys = nil
	w.refuse(t, raw, token.ReasonKeyUnknown)
	w.keys = new(token.KeySet)
	w.refuse(t, raw, token.ReasonKeyUnknown)
}

// RFC 6749 section 3.3: scopes that are not scope tokens, or too many.
func TestAttackScope(t *testing.T) {
	w := proven(t, token.ES256)
	many := make([]string, 257)
	for i := range many {
		many[i] = fmt.Sprint("s", i)
	}
	for _, ok := range []struct {
		scope any
		want  []string
	}{
		{drop{}, nil}, {"", nil}, {[]string{}, nil}, {"a", []string{"a"}}, {"b a b", []string{"b", "a"}}, {[]string{"b", "a", "b"}, []string{"b", "a"}},
		{many[1:], many[1:]}, {"https://x.example/a!#~", []string{"https://x.example/a!#~"}},
	} {
		if got := w.accept(t, w.signed(t, w.header(), with(w.claims(), "scope", ok.scope))).Scopes; !slices.Equal(got, ok.want) {
			t.Errorf("scope %v became %q", ok.scope, got)
		}
	}
	for _, scope := range []any{
		nil, 7, true, object{"a": true}, " ", "a ", " a", "a  b", "a\tb", "a\nb", "a\x00", `a"b`, `a\b`, "ü", []any{"a", 7}, []any{[]string{"a"}},
		[]string{"a b"}, []string{""}, many, strings.Join(many, " "), strings.Repeat("a", 257),
	} {
		w.refuse(t, w.signed(t, w.header(), with(w.claims(), "scope", scope)), token.ReasonClaim)
	}
}

// RFC 9068 section 2.2: required claims are there, and identifiers are strings.
func TestAttackRequiredClaims(t *testing.T) {
	w := proven(t, token.ES256)
	for _, name := range []string{"jti", "client_id"} {
		for _, value := range []any{drop{}, nil, "", 7, []string{"a"}, "a\x00", strings.Repeat("a", 257)} {
			w.refuse(t, w.signed(t, w.header(), with(w.claims(), name, value)), token.ReasonClaim)
		}
	}
	w.issuer.Require = append(w.issuer.Require, "act")
	w.refuse(t, w.signed(t, w.header(), w.claims()), token.ReasonClaim)
	accepted := w.accept(t, w.signed(t, w.header(), with(w.claims(), "act", object{"sub": "gateway"})))
	act, _ := accepted.Member("act")
	sub, _ := act.Get("sub")
	if got, _ := sub.Text(); got != "gateway" {
		t.Errorf("act.sub is %q", got)
	}
}
