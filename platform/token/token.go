// Package token reads and judges JSON Web Tokens (RFC 7519) and key sets (RFC 7517), strictly, and signs tokens.
//
// A token that [Issuer.Verify] accepts is one of that issuer: of one exact form (three segments, strict base64url, JSON with
// one meaning), signed by the key that its kid names with the one algorithm of this key, of an accepted type, for this
// audience, within its time and not longer-lived than agreed: RFC 8725 (best current practices) made mandatory. Whatever a key
// set or an issuer does not say is refused; the zero values of [Issuer], [KeySet] and [SigningKey] accept and sign nothing.
//
// It does not fetch key sets, does not remember tokens and knows no revocation: who verifies decides when to fetch
// again (on [ReasonKeyUnknown]) and what has been seen before. The text of a token is not an identity: an ECDSA signature
// can be rewritten into another valid one, so replay is found by jti, never by the text. Encrypted tokens, symmetric
// algorithms, keys inside tokens and header extensions (crit) are not supported on purpose.
//
// The signature algorithms come from golang-jwt; no decision about a token does.
package token

import (
	"errors"

	"oms/platform/strictjson"
)

// Limits. None of them is near what real issuers send; each bounds what a stranger can make us do before and after
// the signature is known to hold.
const (
	// MaxLength is the longest token in bytes. Servers limit all headers together to 8 to 64 KiB, so a longer token
	// arrives nowhere else either; RSA-8192 with a hundred scopes needs less than 5 KiB.
	MaxLength = 16 << 10
	// MaxKeySetLength is the longest key set in bytes: a hundred RSA keys with their certificates.
	MaxKeySetLength = 256 << 10
	// MaxKeys is how many keys a set may list. Issuers publish two to ten.
	MaxKeys = 100
	// MaxScopes is how many scopes a token may carry.
	MaxScopes = 256

	maxKeyID  = 256 // bytes; a kid is a hash, a URL or a UUID
	maxString = 256 // bytes of sub, jti, client_id and one scope; OpenID Connect allows 255 for sub
	maxType   = 128 // bytes; the limit of RFC 6838 section 4.2 for a media type is 127 for each half
)

// Reason names the check that a token failed. The list is closed: it is appended to, and an entry never changes.
type Reason string

// The reasons, in about the order in which the checks are made.
const (
	ReasonMisconfigured Reason = "misconfigured" // the Issuer itself is incomplete; nothing is accepted
	ReasonMalformed     Reason = "malformed"     // not a JWS in compact form (RFC 7515 section 7.1), or ambiguous JSON
	ReasonHeader        Reason = "header"        // a header member that must not be there, such as jwk or crit
	ReasonAlgorithm     Reason = "algorithm"     // not an algorithm of this issuer, or not the one of the key
	ReasonType          Reason = "type"          // typ is absent or not accepted here
	ReasonKeyUnknown    Reason = "key_unknown"   // no key has this kid; fetching the key set again may help
	ReasonSignature     Reason = "signature"     // the signature does not hold
	ReasonIssuer        Reason = "issuer"        // iss is absent or another
	ReasonAudience      Reason = "audience"      // aud is absent, not of its form, or does not name us
	ReasonSubject       Reason = "subject"       // sub is absent, empty, too long or holds control characters
	ReasonLifetime      Reason = "lifetime"      // exp is not after iat, or too long after it
	ReasonExpired       Reason = "expired"       // exp has passed
	ReasonNotYetValid   Reason = "not_yet_valid" // nbf or iat is in the future
	ReasonClaim         Reason = "claim"         // another claim is absent or not of its form
)

// Error is the verdict on a token that is not accepted. Its text is one line of printable ASCII for the log: it names
// the check and shows at most some 40 escaped bytes of a name in the token, never the token, its subject or its
// signature. It is not for whoever sent the token: a caller is told invalid_token and nothing else (RFC 6750).
type Error struct {
	Reason Reason
	Detail string
}

func (e *Error) Error() string { return "token refused (" + string(e.Reason) + "): " + e.Detail }

// ReasonOf is the reason in err or in what it wraps, and "" when there is none.
func ReasonOf(err error) Reason {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Reason
	}
	return ""
}

func refuse(reason Reason, detail string) error { return &Error{Reason: reason, Detail: detail} }

// quoted is what another party wrote, as an error may show it.
func quoted(text string) string { return strictjson.Quote(text) }
