package token

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"oms/platform/strictjson"
)

// MaxLeeway is the longest [Issuer.Leeway]: "no more than a few minutes" (RFC 7519 section 4.1.4).
const MaxLeeway = 5 * time.Minute

// Issuer is everything that must hold for a token of one issuer and one kind. It is policy as data: nothing about a token is
// accepted that is not stated here. A value is not changed while it is used; it is then safe for concurrent use.
type Issuer struct {
	// Name is what iss must be, byte for byte.
	Name string
	// Audience is what aud must be or contain, byte for byte.
	Audience string
	// Algorithms are accepted. The key must be for the same one: listing several does not let a token choose.
	Algorithms []Algorithm
	// Types are the accepted typ values, compared without case and without "application/" (RFC 7515 section 4.1.9):
	// kinds of tokens are told apart by it (RFC 8725 section 3.11). A token without typ is accepted only if "" is listed.
	Types []string
	// MaxLifetime is the longest time from iat to exp.
	MaxLifetime time.Duration
	// Leeway is how far the clock of the issuer may differ from ours, 0 to MaxLeeway: exp, nbf and iat are met that
	// much later or earlier. 0 is exact.
	Leeway time.Duration
	// ScopeClaim is the name of the claim with the scopes; "" means "scope" (RFC 8693 section 4.2).
	ScopeClaim string
	// Require names claims that must be present and not null, besides iss, sub, aud, exp and iat, which always must:
	// "jti" and "client_id" for access tokens of RFC 9068.
	Require []string
}

// Check says what is missing or wrong in the policy, everything at once. Verify refuses every token while Check fails;
// a program calls it when it reads its configuration.
func (i Issuer) Check() error {
	var problems []string
	if i.Name == "" {
		problems = append(problems, "the name of the issuer (iss) is not set")
	}
	if i.Audience == "" {
		problems = append(problems, "the audience (aud) is not set")
	}
	if len(i.Algorithms) == 0 {
		problems = append(problems, "no algorithm is accepted; name at least one, such as ES256")
	}
	for _, algorithm := range i.Algorithms {
		if !algorithm.Known() {
			problems = append(problems, "the algorithm "+quoted(string(algorithm))+" is not known")
		}
	}
	if len(i.Types) == 0 {
		problems = append(problems, "no type (typ) is accepted; name at least one, such as at+jwt")
	}
	for _, typ := range i.Types {
		if typ != "" && !printable(typ, maxType) {
			problems = append(problems, "the type "+quoted(typ)+" is not 1 to 128 printable ASCII characters")
		}
	}
	if i.MaxLifetime <= 0 {
		problems = append(problems, "the longest lifetime must be more than 0, not "+i.MaxLifetime.String())
	}
	if i.Leeway < 0 || i.Leeway > MaxLeeway {
		problems = append(problems, "the leeway must be from 0 to "+MaxLeeway.String()+", not "+i.Leeway.String())
	}
	if slices.Contains(i.Require, "") {
		problems = append(problems, "a required claim has no name")
	}
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, "; "))
}

func (i Issuer) scopeClaim() string { return cmp.Or(i.ScopeClaim, "scope") }

// Verify judges a token at the time now: it is accepted only if everything that i states holds. First the form and the
// header are checked, then the key and the signature, and only then the claims, so that a token nobody signed is never
// told apart by its claims. Every error is an *[Error]. [ReasonKeyUnknown] is given only to a token whose form and
// header are right: then it may be worth fetching the key set again, at a bounded rate. A nil key set knows no key.
//
// Verify is pure: it waits for nothing, keeps nothing, and is safe for concurrent use.
func (i Issuer) Verify(raw string, keys *KeySet, now time.Time) (Claims, error) {
	t, err := readHead(raw)
	if err != nil && i.Check() == nil { // what is wrong with the policy comes first
		return Claims{}, err
	}
	return i.VerifyPeeked(t, keys, now)
}

// VerifyPeeked is [Issuer.Verify] for a token that was peeked at to find its issuer, and need not be parsed again.
func (i Issuer) VerifyPeeked(t Unverified, keys *KeySet, now time.Time) (Claims, error) {
	if err := i.Check(); err != nil {
		return Claims{}, refuse(ReasonMisconfigured, err.Error())
	}
	key, err := i.choose(t.Header, keys)
	if err != nil {
		return Claims{}, err
	}
	if len(t.parts.signature) != signatureLength(key.public) {
		return Claims{}, refuse(ReasonSignature, "the signature does not have the length of a signature by this key")
	}
	if err := codecs[key.algorithm].Verify(t.parts.signed, t.parts.signature, key.public); err != nil {
		return Claims{}, refuse(ReasonSignature, "the signature does not hold")
	}
	if err := t.readClaims(i); err != nil {
		return Claims{}, err
	}
	return i.judge(t.Header, t.claims, key, now)
}

// Again judges claims that i has accepted before, of the very same token: whether the key that verified it is still one of
// the issuer's, and whether it is still its time. Nothing else can have changed.
func (i Issuer) Again(c Claims, keys *KeySet, now time.Time) error {
	key, known := keys.Lookup(c.key.id)
	if !known || !key.equal(c.key) {
		return refuse(ReasonKeyUnknown, "the issuer has no usable key with the kid "+quoted(c.key.id)+" any more")
	}
	return i.judgeTimes(&c, now)
}

// choose finds the one key that may have signed the token.
func (i Issuer) choose(header Header, keys *KeySet) (Key, error) {
	if !slices.Contains(i.Algorithms, header.Algorithm) {
		return Key{}, refuse(ReasonAlgorithm, "alg "+string(header.Algorithm)+" is not accepted from this issuer")
	}
	if !slices.ContainsFunc(i.Types, func(accepted string) bool { return normalType(accepted) == header.Type }) {
		return Key{}, refuse(ReasonType, "typ "+quoted(header.Type)+" is not accepted here")
	}
	key, known := keys.Lookup(header.KeyID)
	if !known {
		return Key{}, refuse(ReasonKeyUnknown, "the issuer has no usable key with the kid "+quoted(header.KeyID))
	}
	if key.algorithm != header.Algorithm { // RFC 8725 section 3.1: each key for one algorithm
		return Key{}, refuse(ReasonAlgorithm, "alg "+string(header.Algorithm)+" is not the algorithm of the key, "+string(key.algorithm))
	}
	return key, nil
}

// Unverified is a token as whoever sent it has written it. Use it to choose the [Issuer] and its keys and for nothing else.
type Unverified struct {
	Header Header
	Issuer string // iss; "" where it is absent or not a string
	parts  segments
	claims strictjson.Value // null until they are read
}

// readHead reads everything but the claims.
func readHead(raw string) (t Unverified, err error) {
	if t.parts, err = split(raw); err == nil {
		t.Header, err = readHeader(t.parts.header)
	}
	return t, err
}

// readClaims reads the claims, once, as a token of the issuer has to have them.
func (t *Unverified) readClaims(of Issuer) (err error) {
	if t.claims.Kind() == strictjson.Null {
		t.claims, err = object(t.parts.claims, "claims")
	}
	if err != nil {
		return err
	}
	return refuseVariants(t.claims, "claims", of.claimVariant)
}

// Peek reads a token WITHOUT verifying anything. Every error is an *[Error], and means that no issuer could ever accept the
// token.
func Peek(raw string) (Unverified, error) {
	t, err := readHead(raw)
	if err == nil {
		err = t.readClaims(Issuer{})
	}
	if err != nil {
		return Unverified{}, err
	}
	t.Issuer = textOf(t.claims, "iss")
	return t, nil
}

// textOf is a member that is a string, and "" otherwise.
func textOf(object strictjson.Value, name string) string {
	member, _ := object.Get(name)
	text, _ := member.Text()
	return text
}
