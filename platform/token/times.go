package token

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"oms/platform/strictjson"
)

// maxDate is the first number that is not a date, in seconds: 1e12 is the year 33658, and a date in milliseconds
// (1.7e12 now), which would never expire, is above it.
const maxDate = 1_000_000_000_000

// readTimes reads and judges exp, iat and nbf (RFC 7519 sections 4.1.4 to 4.1.6).
func (i Issuer) readTimes(c *Claims, now time.Time) error {
	for _, date := range []struct {
		name     string
		into     *time.Time
		optional bool
	}{{"exp", &c.Expires, false}, {"iat", &c.IssuedAt, false}, {"nbf", &c.NotBefore, true}} {
		member, present := c.all.Get(date.name)
		if !present && date.optional {
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
