package token

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"oms/platform/strictjson"
)

// Claims are what an accepted token says (RFC 7519 section 4, RFC 8693 section 4, RFC 9068 section 2). They are only
// ever the result of [Issuer.Verify].
type Claims struct {
	Issuer    string
	Subject   string    // 1 to 256 bytes without control characters
	Audience  []string  // contains the audience that was asked for
	Expires   time.Time // UTC, like the other two; to the nanosecond where the token has fractions
	NotBefore time.Time // zero when absent
	IssuedAt  time.Time
	ID        string   // jti; "" when absent
	ClientID  string   // client_id; "" when absent
	Scopes    []string // in the order of the token, each once
	Type      string   // typ as in [Header]
	all       strictjson.Value
	key       Key // that verified it
}

// Member is any member of the claims as it was signed, such as act, cnf or txn.
func (c Claims) Member(name string) (strictjson.Value, bool) { return c.all.Get(name) }

func (i Issuer) claimVariant(name string) bool {
	scope := i.scopeClaim() // whatever the configuration says, in whatever case
	return variant(name, "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "act", "may_act", "cnf", "txn") ||
		name != scope && strings.EqualFold(name, scope)
}

// judge reads the claims of a token whose signature holds.
func (i Issuer) judge(header Header, all strictjson.Value, key Key, now time.Time) (Claims, error) {
	c := Claims{Type: header.Type, all: all, key: key}
	iss, _ := all.Get("iss")
	var ok bool
	if c.Issuer, ok = iss.Text(); !ok || c.Issuer != i.Name {
		return Claims{}, refuse(ReasonIssuer, "iss is not "+quoted(i.Name))
	}
	if c.Audience, ok = readAudience(all); !ok {
		return Claims{}, refuse(ReasonAudience, "aud must be a string or an array of strings, none of them empty")
	}
	if !slices.Contains(c.Audience, i.Audience) {
		return Claims{}, refuse(ReasonAudience, "aud does not name "+quoted(i.Audience))
	}
	sub, _ := all.Get("sub")
	if c.Subject, ok = sub.Text(); !ok || !decent(c.Subject) {
		return Claims{}, refuse(ReasonSubject, "sub must be a string of 1 to 256 bytes without control characters")
	}
	if err := i.readTimes(&c, now); err != nil {
		return Claims{}, err
	}
	if err := i.readRest(&c); err != nil {
		return Claims{}, err
	}
	return c, nil
}

func (i Issuer) readRest(c *Claims) error {
	for _, optional := range []struct {
		name string
		into *string
	}{{"jti", &c.ID}, {"client_id", &c.ClientID}} {
		member, present := c.all.Get(optional.name)
		if !present {
			continue
		}
		text, ok := member.Text()
		if !ok || !decent(text) {
			return refuse(ReasonClaim, optional.name+" must be a string of 1 to 256 bytes without control characters")
		}
		*optional.into = text
	}
	for _, name := range i.Require {
		if member, _ := c.all.Get(name); member.Kind() == strictjson.Null {
			return refuse(ReasonClaim, "the claim "+quoted(name)+" is required and absent")
		}
	}
	scopes, detail := readScopes(c.all, i.scopeClaim())
	if detail != "" {
		return refuse(ReasonClaim, i.scopeClaim()+" "+detail)
	}
	c.Scopes = scopes
	return nil
}

// decent reports whether text can stand in a log, a database and a page: not empty, bounded, no control characters.
func decent(text string) bool {
	return text != "" && len(text) <= maxString && strings.IndexFunc(text, unicode.IsControl) < 0
}

// readAudience reads aud by RFC 7519 section 4.1.3.
func readAudience(all strictjson.Value) (audience []string, ok bool) {
	aud, _ := all.Get("aud")
	if text, single := aud.Text(); single {
		return []string{text}, text != ""
	}
	for _, item := range aud.Items() {
		text, ok := item.Text()
		if !ok || text == "" {
			return nil, false
		}
		audience = append(audience, text)
	}
	return audience, len(audience) > 0
}

// readScopes reads the scopes: a string of scope tokens with single spaces between them (RFC 6749 section 3.3) or, as
// some issuers write it, an array of scope tokens. Absent and "" are no scope. detail says what is wrong.
func readScopes(all strictjson.Value, claim string) (scopes []string, detail string) {
	member, present := all.Get(claim)
	text, isText := member.Text()
	if !present || isText && text == "" {
		return nil, ""
	}
	var found []string
	switch {
	case isText:
		found = strings.Split(text, " ")
	case member.Kind() == strictjson.Array:
		for _, item := range member.Items() {
			one, _ := item.Text() // not a string: "", which is no scope token
			found = append(found, one)
		}
	default:
		return nil, "must be a string or an array of strings"
	}
	if len(found) > MaxScopes {
		return nil, "lists more than 256 scopes"
	}
	for _, scope := range found {
		if !ScopeToken(scope) {
			return nil, "has a scope that is not a scope token of RFC 6749 section 3.3"
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes, ""
}

// ScopeToken reports whether scope is one scope token: 1 to 256 characters of %x21 / %x23-5B / %x5D-7E (RFC 6749
// section 3.3), that is, printable ASCII without space, double quote and backslash.
func ScopeToken(scope string) bool {
	return printable(scope, maxString) && !strings.ContainsAny(scope, " \"\\")
}
