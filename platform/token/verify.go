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
	if err := i.Check(); err != nil {
		return Claims{}, refuse(ReasonMisconfigured, err.Error())
	}
	parts, err := split(raw)
	if err != nil {
		return Claims{}, err
	}
	header, err := readHeader(parts.header)
	if err != nil {
		return Claims{}, err
	}
	key, err := i.verifySignature(header, parts, keys)
	if err != nil {
		return Claims{}, err
	}
	value, err := object(parts.claims, "claims", i.claimVariant)
	if err != nil {
		return Claims{}, err
	}
	return i.judge(header, value, key, now)
}

// VerifyPeeked is [Issuer.Verify] for a token that was peeked at to find its issuer, and need not be parsed again.
func (i Issuer) VerifyPeeked(t Unverified, keys *KeySet, now time.Time) (Claims, error) {
	if err := i.Check(); err != nil {
		return Claims{}, refuse(ReasonMisconfigured, err.Error())
	}
	key, err := i.verifySignature(t.Header, t.parts, keys)
	if err != nil {
		return Claims{}, err
	}
	if err := refuseVariants(t.claims, "claims", i.claimVariant); err != nil {
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

func (i Issuer) verifySignature(header Header, parts segments, keys *KeySet) (Key, error) {
	key, err := i.choose(header, keys)
	if err != nil {
		return Key{}, err
	}
	return key, key.verify(parts)
}

// choose finds the one key that may have signed the token.
func (i Issuer) choose(header Header, keys *KeySet) (Key, error) {
	if !slices.Contains(i.Algorithms, header.Algorithm) {
		return Key{}, refuse(ReasonAlgorithm, "alg "+string(header.Algorithm)+" is not accepted from this issuer")
	}
	if !i.acceptsType(header.Type) {
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

func (k Key) verify(parts segments) error {
	if len(parts.signature) != signatureLength(k.public) {
		return refuse(ReasonSignature, "the signature does not have the length of a signature by this key")
	}
	if err := k.algorithm.method().Verify(parts.signed, parts.signature, k.public); err != nil {
		return refuse(ReasonSignature, "the signature does not hold")
	}
	return nil
}

// Unverified is a token as whoever sent it has written it. Use it to choose the [Issuer] and its keys and for nothing else.
type Unverified struct {
	Header Header
	Issuer string // iss; "" where it is absent or not a string
	parts  segments
	claims strictjson.Value
}

// Peek reads a token WITHOUT verifying anything. Every error is an *[Error], and means that no issuer could ever accept the
// token.
func Peek(raw string) (t Unverified, err error) {
	if t.parts, err = split(raw); err != nil {
		return Unverified{}, err
	}
	if t.Header, err = readHeader(t.parts.header); err != nil {
		return Unverified{}, err
	}
	if t.claims, err = object(t.parts.claims, "claims", Issuer{}.claimVariant); err != nil {
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
