package token

import (
	"slices"
	"time"

	"oms/platform/strictjson"
)

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
