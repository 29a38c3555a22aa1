package token

import (
	"encoding/json"
	"slices"
	"strconv"
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

// Text is a member of the claims, or of an object in them, that is a string; "" where it is absent or anything else.
func (c Claims) Text(path ...string) string {
	value := c.all
	for _, name := range path {
		value, _ = value.Get(name)
	}
	text, _ := value.Text()
	return text
}

func (i Issuer) claimVariant(name string) bool {
	scope := i.scopeClaim() // whatever the configuration says, in whatever case
	return variant(name, "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "act", "may_act", "cnf", "txn") ||
		name != scope && strings.EqualFold(name, scope)
}

// judge reads the claims of a token whose signature holds.
func (i Issuer) judge(header Header, all strictjson.Value, key Key, now time.Time) (Claims, error) {
	c := Claims{Type: header.Type, Issuer: textOf(all, "iss"), Subject: textOf(all, "sub"), all: all, key: key}
	if c.Issuer != i.Name {
		return Claims{}, refuse(ReasonIssuer, "iss is not "+quoted(i.Name))
	}
	if err := i.readAudience(&c); err != nil {
		return Claims{}, err
	}
	if !decent(c.Subject) {
		return Claims{}, refuse(ReasonSubject, "sub must be a string of 1 to 256 bytes without control characters")
	}
	if err := i.readTimes(&c, now); err != nil {
		return Claims{}, err
	}
	for _, optional := range []struct {
		name string
		into *string
	}{{"jti", &c.ID}, {"client_id", &c.ClientID}} {
		_, present := all.Get(optional.name)
		if *optional.into = textOf(all, optional.name); present && !decent(*optional.into) {
			return Claims{}, refuse(ReasonClaim, optional.name+" must be a string of 1 to 256 bytes without control characters")
		}
	}
	for _, name := range i.Require {
		if member, _ := all.Get(name); member.Kind() == strictjson.Null {
			return Claims{}, refuse(ReasonClaim, "the claim "+quoted(name)+" is required and absent")
		}
	}
	if err := i.readScopes(&c); err != nil {
		return Claims{}, err
	}
	return c, nil
}

// decent reports whether text can stand in a log, a database and a page: not empty, bounded, no control characters.
func decent(text string) bool {
	return text != "" && len(text) <= maxString && strings.IndexFunc(text, unicode.IsControl) < 0
}

// textsOf are the elements of an array, each that is not a string as "", which is accepted nowhere.
func textsOf(list strictjson.Value) (texts []string) {
	for _, item := range list.Items() {
		text, _ := item.Text()
		texts = append(texts, text)
	}
	return texts
}

// readAudience reads aud by RFC 7519 section 4.1.3.
func (i Issuer) readAudience(c *Claims) error {
	aud, _ := c.all.Get("aud")
	if text, single := aud.Text(); single {
		c.Audience = []string{text}
	} else {
		c.Audience = textsOf(aud)
	}
	switch {
	case len(c.Audience) == 0 || slices.Contains(c.Audience, ""):
		return refuse(ReasonAudience, "aud must be a string or an array of strings, none of them empty")
	case !slices.Contains(c.Audience, i.Audience):
		return refuse(ReasonAudience, "aud does not name "+quoted(i.Audience))
	}
	return nil
}

// readScopes reads the scopes: a string of scope tokens with single spaces between them (RFC 6749 section 3.3) or, as
// some issuers write it, an array of scope tokens. Absent and "" are no scope.
func (i Issuer) readScopes(c *Claims) error {
	claim := i.scopeClaim()
	member, present := c.all.Get(claim)
	var found []string
	if text, isText := member.Text(); isText && text != "" {
		found = strings.Split(text, " ")
	} else if member.Kind() == strictjson.Array {
		found = textsOf(member)
	} else if present && !isText {
		return refuse(ReasonClaim, claim+" must be a string or an array of strings")
	}
	if len(found) > MaxScopes {
		return refuse(ReasonClaim, claim+" lists more than 256 scopes")
	}
	for _, scope := range found {
		if !ScopeToken(scope) {
			return refuse(ReasonClaim, claim+" has a scope that is not a scope token of RFC 6749 section 3.3")
		}
		if !slices.Contains(c.Scopes, scope) {
			c.Scopes = append(c.Scopes, scope)
		}
	}
	return nil
}

// ScopeToken reports whether scope is one scope token: 1 to 256 characters of %x21 / %x23-5B / %x5D-7E (RFC 6749
// section 3.3), that is, printable ASCII without space, double quote and backslash.
func ScopeToken(scope string) bool {
	return printable(scope, maxString) && !strings.ContainsAny(scope, " \"\\")
}

// maxDate is the first number that is not a date, in seconds: 1e12 is the year 33658, and a date in milliseconds
// (1.7e12 now), which would never expire, is above it.
const maxDate = 1_000_000_000_000

// readTimes reads and judges exp, iat and nbf (RFC 7519 sections 4.1.4 to 4.1.6).
func (i Issuer) readTimes(c *Claims, now time.Time) error {
	for _, date := range []struct {
		name string
		into *time.Time
	}{{"exp", &c.Expires}, {"iat", &c.IssuedAt}, {"nbf", &c.NotBefore}} {
		member, present := c.all.Get(date.name)
		if !present && date.name == "nbf" {
			continue
		}
		var ok bool
		if *date.into, ok = readDate(member); !ok {
			return refuse(ReasonClaim, date.name+" must be a number of seconds between 0 and 1e12")
		}
	}
	return i.judgeTimes(c, now)
}

func (i Issuer) judgeTimes(c *Claims, now time.Time) error {
	switch {
	case !c.Expires.After(c.IssuedAt):
		return refuse(ReasonLifetime, "exp is not after iat")
	case c.Expires.After(c.IssuedAt.Add(i.MaxLifetime)):
		return refuse(ReasonLifetime, "exp is more than "+i.MaxLifetime.String()+" after iat")
	case !now.Before(c.Expires.Add(i.Leeway)): // on or after exp it must not be accepted
		return refuse(ReasonExpired, "it expired at "+stamp(c.Expires))
	case c.NotBefore.After(now.Add(i.Leeway)):
		return refuse(ReasonNotYetValid, "it is not valid before "+stamp(c.NotBefore))
	case c.IssuedAt.After(now.Add(i.Leeway)):
		return refuse(ReasonNotYetValid, "it was issued in the future, at "+stamp(c.IssuedAt))
	}
	return nil
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }

// readDate reads a NumericDate (RFC 7519 section 2): seconds since 1970, fractions allowed. Whole numbers and decimal
// fractions are exact to the nanosecond, and cut below it.
func readDate(value strictjson.Value) (time.Time, bool) {
	literal, ok := value.Literal()
	if !ok {
		return time.Time{}, false
	}
	if strings.ContainsAny(literal, "eE") {
		seconds, err := strconv.ParseFloat(literal, 64)
		if err != nil || !(seconds > 0 && seconds < maxDate) {
			return time.Time{}, false
		}
		whole := int64(seconds)
		return time.Unix(whole, int64((seconds-float64(whole))*1e9)).UTC(), true
	}
	digits, fraction, _ := strings.Cut(literal, ".")
	seconds, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || seconds < 0 || seconds >= maxDate || literal[0] == '-' {
		return time.Time{}, false
	}
	nanoseconds := int64(0)
	for i := range 9 {
		nanoseconds *= 10
		if i < len(fraction) {
			nanoseconds += int64(fraction[i] - '0')
		}
	}
	return time.Unix(seconds, nanoseconds).UTC(), seconds > 0 || nanoseconds > 0
}

// NumericDate is t as a claim: seconds since 1970, with a fraction where t has one, to the nanosecond.
func NumericDate(t time.Time) json.Number {
	seconds := strconv.FormatInt(t.Unix(), 10)
	if t.Nanosecond() == 0 {
		return json.Number(seconds)
	}
	fraction := strconv.Itoa(1e9 + t.Nanosecond())[1:]
	return json.Number(seconds + "." + strings.TrimRight(fraction, "0"))
}
