package limits

import (
	"slices"

	"oms/platform/config"
)

// Rate is how often something may come: so many at once, and then so many a second.
type Rate struct {
	PerSecond int64 `koanf:"per_second"` // 1 to 1,000,000
	Burst     int64 `koanf:"burst"`      // 1 to 1,000,000
}

// mostRate is far above what a process can serve; more is a mistake.
const mostRate = 1_000_000

// Problems is everything about it that cannot stay.
func (r Rate) Problems(key string) []config.Problem {
	return slices.Concat(
		config.WithinNumber(key+".per_second", r.PerSecond, 1, mostRate),
		config.WithinNumber(key+".burst", r.Burst, 1, mostRate),
	)
}

// half is what an address gets without a user.
func (r Rate) half() Rate { return Rate{(r.PerSecond + 1) / 2, (r.Burst + 1) / 2} }

// RateSettings are the rates of each class.
type RateSettings struct {
	Enabled bool `koanf:"enabled"` // off, for load tests, nobody is asked to slow down

	SignIn Rate `koanf:"sign_in"` // forms of the sign-in pages, from one address
	Token  Rate `koanf:"token"`   // the token service's endpoints for programs, from one address
	Write  Rate `koanf:"write"`   // what changes something, by one user; by an address without a user half of it
	Read   Rate `koanf:"read"`    // everything else, likewise
}

// DefaultRates are those that no honest client meets.
func DefaultRates() RateSettings {
	return RateSettings{
		Enabled: true,
		// An office that begins its day behind one address; what the processors can hash is less.
		SignIn: Rate{PerSecond: 10, Burst: 100},
		// Programs fetch keys now and then, and a token for each of their users.
		Token: Rate{PerSecond: 50, Burst: 200},
		// A script that works through a list in sequence stays below these.
		Write: Rate{PerSecond: 100, Burst: 200},
		Read:  Rate{PerSecond: 500, Burst: 1000},
	}
}

// Problems is everything about them that cannot stay.
func (s RateSettings) Problems() []config.Problem {
	return slices.Concat(s.SignIn.Problems("sign_in"), s.Token.Problems("token"), s.Write.Problems("write"), s.Read.Problems("read"))
}
