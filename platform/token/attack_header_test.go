package token_test

import (
	"strings"
	"testing"

	"oms/platform/token"
)

// RFC 8725 section 3.10: kid as a path, as SQL, as a command. A kid is only the key of a
// map; what cannot be one is refused before the lookup, so that it never causes a fetch.
func TestAttackKid(t *testing.T) {
	w := proven(t, token.ES256)
	for _, kid := range []any{
		"../../../../dev/null", "/dev/null", "' OR '1'='1", "x' UNION SELECT 'secret", "|whoami", "https://attacker.example/key",
		w.key.ID() + " ", strings.ToLower(w.key.ID()), strings.Repeat("A", 256), "%00", "0",
	} {
		w.refuse(t, w.signed(t, with(w.header(), "kid", kid), w.claims()), token.ReasonKeyUnknown)
	}
	for _, kid := range []any{
		drop{}, nil, "", 7, 0.5, true, []string{"a"}, object{"kid": 1}, "\x00", w.key.ID() + "\x00", "a\nb", "\x7f", "ключ",
		strings.Repeat("A", 257),
	} {
		w.refuse(t, w.signed(t, with(w.header(), "kid", kid), w.claims()), token.ReasonHeader)
	}
	w.refuse(t, w.signed(t, with(w.header(), "kid", strings.Repeat("A", 64<<10)), w.claims()), token.ReasonMalformed)
}

// RFC 8725 section 3.8: the same kid at two issuers. Each issuer's tokens are judged by that issuer's keys alone.
func TestAttackSameKidAtTwoIssuers(t *testing.T) {
	ours, theirs := proven(t, token.ES256), proven(t, token.ES256)
	document := strings.ReplaceAll(text(t, theirs.keys), theirs.key.ID(), ours.key.ID())
	keys, err := token.ParseKeySet([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	theirs.keys, theirs.issuer.Name = keys, "https://other.example"
	theirToken := theirs.signed(t, with(theirs.header(), "kid", ours.key.ID()), with(theirs.claims(), "iss", theirs.issuer.Name))
	theirs.accept(t, theirToken)
	ours.refuse(t, theirToken, token.ReasonSignature)
	claimingOurs := theirs.signed(t, with(theirs.header(), "kid", ours.key.ID()), ours.claims())
	ours.refuse(t, claimingOurs, token.ReasonSignature)
	theirs.refuse(t, claimingOurs, token.ReasonIssuer)
}

// CVE-2025-59420, RFC 7515 section 4.1.11: critical extensions that nobody here understands.
func TestAttackCrit(t *testing.T) {
	w := proven(t, token.ES256)
	for _, crit := range []any{[]string{"x"}, []string{"exp"}, []string{"b64"}, []string{"alg"}, []string{}, []int{1}, "x", nil, object{}} {
		w.refuse(t, w.signed(t, with(with(w.header(), "crit", crit), "x", 1), w.claims()), token.ReasonHeader)
	}
}

// RFC 7797 section 3: an unencoded payload, or the announcement of one.
func TestAttackUnencodedPayload(t *testing.T) {
	w := proven(t, token.ES256)
	for _, b64 := range []any{false, true, nil, "false"} {
		w.refuse(t, w.signed(t, with(w.header(), "b64", b64), w.claims()), token.ReasonHeader)
	}
	critical := with(with(w.header(), "b64", false), "crit", []string{"b64"})
	w.refuse(t, w.signed(t, critical, w.claims()), token.ReasonHeader)
	w.refuse(t, w.forgeEncoded(t, encode(text(t, critical)), text(t, w.claims())), token.ReasonMalformed, token.ReasonHeader)
}

// RFC 8725 section 2.4, RFC 7515 section 4: duplicate members, on which readers disagree.
func TestAttackDuplicateMembers(t *testing.T) {
	w := proven(t, token.ES256)
	header, claims := text(t, w.header()), text(t, w.claims())
	w.accept(t, w.forge(t, insert(header, `"x":1`), insert(claims, `"x":{"y":1}`)))
	for _, member := range []string{
		`"alg":"none"`, `"alg":"ES256"`, `"kid":"x"`, `"typ":"JWT"`, `"\u0061lg":"none"`, `"x":1,"x":1`, `"x":{"y":1,"y":2}`,
	} {
		w.refuse(t, w.forge(t, insert(header, member), claims), token.ReasonMalformed)
		w.refuse(t, w.forge(t, header[:len(header)-1]+","+member+"}", claims), token.ReasonMalformed)
	}
	for _, member := range []string{
		`"sub":"admin"`, `"iss":"x"`, `"aud":"x"`, `"exp":9999999999`, `"\u0073ub":"admin"`, `"scope":"all"`, `"x":1,"x":1`,
		`"act":{"sub":"a","sub":"b"}`, `"x":[{"y":1,"y":2}]`,
	} {
		w.refuse(t, w.forge(t, header, insert(claims, member)), token.ReasonMalformed)
		w.refuse(t, w.forge(t, header, claims[:len(claims)-1]+","+member+"}"), token.ReasonMalformed)
	}
}

// RFC 7515 section 5.3 (names are compared exactly): members that another reader (encoding/json folds case) takes for the registered ones.
func TestAttackCaseVariantMembers(t *testing.T) {
	w := proven(t, token.ES256)
	header, claims := text(t, w.header()), text(t, w.claims())
	for _, member := range []string{
		`"Alg":"none"`, `"ALG":"ES256"`, `"KID":"x"`, `"\u212Aid":"x"`, `"Typ":"x"`, `"JWK":{}`, `"Jku":"x"`, `"X5C":[]`, `"x5u\u0000":1,"X5u":1`,
		`"Crit":[]`, `"B64":false`, `"x5t#s256":"x"`, `"X5T":"x"`, `"j\u212Au":"x"`, `"ZIP":"DEF"`,
	} {
		w.refuse(t, w.forge(t, insert(header, member), claims), token.ReasonMalformed)
	}
	for _, member := range []string{
		`"ISS":"x"`, `"Sub":"admin"`, `"\u017Fub":"admin"`, `"AUD":"x"`, `"Exp":1`, `"eXp":1`, `"Nbf":1`, `"IAT":1`, `"Jti":"x"`,
		`"Scope":"all"`, `"scoPe":"all"`, `"Client_ID":"x"`, `"ACT":{}`, `"May_act":{}`, `"CNF":{}`,
	} {
		w.refuse(t, w.forge(t, header, insert(claims, member)), token.ReasonMalformed)
	}
	w.issuer.ScopeClaim = "Roles" // the name that the configuration gives is registered too
	w.accept(t, w.forge(t, header, claims))
	w.refuse(t, w.forge(t, header, insert(claims, `"roles":"all"`)), token.ReasonMalformed)
}

// RFC 8725 sections 3.11 and 3.12: tokens of different kinds are pairwise not interchangeable.
func TestAttackTypesAreNotInterchangeable(t *testing.T) {
	w := proven(t, token.ES256)
	kinds := []string{"at+jwt", "edge+jwt", "internal+jwt", "rt+jwt", "JWT", "txntoken+jwt", "client-authentication+jwt", "peer+jwt"}
	for _, accepted := range kinds {
		w.issuer.Types = []string{accepted}
		for _, sent := range kinds {
			raw := w.signed(t, with(w.header(), "typ", sent), w.claims())
			if sent == accepted {
				w.accept(t, raw)
			} else {
				w.refuse(t, raw, token.ReasonType)
			}
		}
	}
}

// RFC 7515 section 4.1.9: how typ is compared, and that its absence counts only where it is listed.
func TestAttackType(t *testing.T) {
	w := proven(t, token.ES256)
	for _, typ := range []any{"AT+JWT", "application/at+jwt", "Application/At+Jwt"} {
		w.accept(t, w.signed(t, with(w.header(), "typ", typ), w.claims()))
	}
	absent := w.signed(t, with(w.header(), "typ", drop{}), w.claims())
	w.refuse(t, absent, token.ReasonType)
	refused := []any{
		"", nil, 1, []string{"at+jwt"}, "at+jwt ", " at+jwt", "at+jwt\x00", "at+jwt;x=y", "text/at+jwt", "application/application/at+jwt",
		"application/", "application", "at+jwt,JWT", "at+jw\u017f", strings.Repeat("a", 129),
	}
	for _, listed := range [][]string{{"at+jwt"}, {"at+jwt", ""}} {
		w.issuer.Types = listed
		for _, typ := range refused {
			w.refuse(t, w.signed(t, with(w.header(), "typ", typ), w.claims()), token.ReasonType)
		}
	}
	w.accept(t, absent)
	w.issuer.Types = []string{"text/x"} // "application/" may be left out only where no other slash is
	w.accept(t, w.signed(t, with(w.header(), "typ", "Text/X"), w.claims()))
	w.refuse(t, w.signed(t, with(w.header(), "typ", "application/text/x"), w.claims()), token.ReasonType)
}
