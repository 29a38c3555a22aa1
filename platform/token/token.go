// Package token reads and judges JSON Web Tokens (RFC 7519) and key sets (RFC 7517), strictly, and signs tokens.
//
// It promises that a token that [Issuer.Verify] accepts is one of that issuer: of one exact form (three segments,
// strict base64url, JSON with one meaning), signed by the key that its kid names with the one algorithm that this key
// is for, of an accepted type, for this audience, within its time and not longer-lived than agreed. The rules are
// RFC 8725 (best current practices) made mandatory. Whatever a key set or an issuer does not say is refused, and the
// zero values of [Issuer], [KeySet] and [SigningKey] accept and sign nothing.
//
// It does not fetch key sets, does not remember tokens and knows no revocation: who verifies decides when to fetch
// again (on [ReasonKeyUnknown]) and what has been seen before. The text of a token is not an identity: an ECDSA signature
// can be rewritten into another valid one, so replay is found by jti, never by the text. Encrypted tokens, symmetric
// algorithms, keys inside tokens and header extensions (crit) are not supported on purpose.
//
// The signature algorithms come from golang-jwt; no decision about a token does.
package token

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
