package token

import (
	"errors"

	"oms/platform/strictjson"
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
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Reason
	}
	return ""
}

func refuse(reason Reason, detail string) error { return &Error{Reason: reason, Detail: detail} }

// quoted is what another party wrote, as an error may show it.
func quoted(text string) string { return strictjson.Quote(text) }
