package issuers

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"oms/platform/config"
	"oms/platform/identity"
	"oms/platform/token"
)

// Issuer is one external issuer of access tokens, and the most that its tokens can do here.
type Issuer struct {
	// Issuer is the exact value of the claim iss. It is part of the owner's name (ISSUER|SUB), so it holds no "|", and
	// it is never our own public URL.
	Issuer string `koanf:"issuer"`

	Audience string `koanf:"audience"`              // the value that the claim aud must hold
	JWKSFile string `koanf:"jwks_file" kind:"path"` // the issuer's public keys (RFC 7517 key set)

	// Algorithms are the accepted values of the header alg: signatures by a public key only (RFC 7518, 8037).
	Algorithms []string `koanf:"algorithms"`

	Types       []string      `koanf:"types"`        // the accepted values of the header typ
	MaxLifetime time.Duration `koanf:"max_lifetime"` // the longest time between iat and exp (1s to 175200h, which is 20 years)
	ScopeClaim  string        `koanf:"scope_claim"`  // the claim that holds the scopes, as one text with spaces or as a list
	Scopes      []string      `koanf:"scopes"`       // the ceiling: what this issuer can grant at most; none, and its tokens only say who comes
}

// SetDefaults makes it one of which nothing is said yet. Scopes stays empty on purpose: an issuer can grant only
// what someone has written down.
func (i *Issuer) SetDefaults() {
	*i = Issuer{
		Algorithms:  []string{"RS256"},         // what RFC 7518 recommends and nearly every issuer signs with
		Types:       []string{"at+jwt", "JWT"}, // RFC 9068, and what older issuers write
		MaxLifetime: 24 * time.Hour,
		ScopeClaim:  "scope", // RFC 9068, section 2.2.3
		Scopes:      []string{},
	}
}

// maxLifetime bounds max_lifetime. Tokens of ten years are in use in demonstrations; twice that is a mistyped unit.
const maxLifetime = 20 * 365 * 24 * time.Hour

// algorithms are the signatures by a public key (RFC 7518, section 3.1, and RFC 8037). A shared secret (HS256) would
// let everyone who can verify a token also make one; "none" would let everyone.
func algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// Problems is everything about it that cannot stay.
func (i Issuer) Problems() []config.Problem {
	list := slices.Concat(
		claim("issuer", i.Issuer, "the value of the claim iss"),
		claim("audience", i.Audience, "the value of the claim aud"),
		config.When(strings.Contains(i.Issuer, "|"), "issuer", "%q must not hold |, which divides issuer and subject in an owner's name", i.Issuer),
		config.When(i.JWKSFile == "", "jwks_file", "is missing; write the path of the issuer's key set"),
		config.File("jwks_file", i.JWKSFile),
		config.When(len(i.Algorithms) == 0, "algorithms", "is empty, so no token would be accepted; write [RS256]"),
	)
	for _, name := range i.Algorithms {
		accepted := algorithms()
		list = append(list, config.When(!slices.Contains(accepted, name), "algorithms", "%q is not accepted; write some of %s", name, strings.Join(accepted, ", "))...)
	}
	list = append(list, config.When(len(i.Types) == 0, "types", "is empty, so no token would be accepted; write [at+jwt, JWT]")...)
	for _, t := range i.Types {
		list = append(list, claim("types", t, "values of the header typ")...)
	}
	list = append(list, config.Between("max_lifetime", i.MaxLifetime, maxLifetime)...)
	list = append(list, claim("scope_claim", i.ScopeClaim, "the name of a claim, such as scope")...)
	for _, scope := range i.Scopes {
		list = append(list, config.When(!token.ScopeToken(scope), "scopes", "%q is not a scope; write printable ASCII without spaces, quotes and backslashes", scope)...)
	}
	return list
}

// claim judges a text that is compared with a part of a token: it is there, and holds nothing that cannot be seen.
func claim(key, text, what string) []config.Problem {
	unseen := strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f })
	return slices.Concat(
		config.When(text == "", key, "is missing; write %s", what),
		config.When(unseen, key, "%q holds a space or a control character; write %s", text, what),
	)
}

// Open reads the key sets of the configured issuers. publicURL is our own.
func Open(publicURL string, configured []Issuer) (Accepted, error) {
	accepted := New(Own(publicURL))
	for _, issuer := range configured {
		external, err := issuer.open()
		if err != nil {
			return accepted, fmt.Errorf("issuer %q: %w", issuer.Issuer, err)
		}
		accepted.External = append(accepted.External, external)
	}
	return accepted, nil
}

func (i Issuer) open() (External, error) {
	text, err := os.ReadFile(i.JWKSFile)
	if err != nil {
		return External{}, err
	}
	keys, err := token.ParseKeySet(text)
	if err != nil {
		return External{}, fmt.Errorf("jwks_file %s: %w", i.JWKSFile, err)
	}
	policy := token.Issuer{Name: i.Issuer, Audience: i.Audience, Types: i.Types, MaxLifetime: i.MaxLifetime, ScopeClaim: i.ScopeClaim}
	for _, algorithm := range i.Algorithms {
		policy.Algorithms = append(policy.Algorithms, token.Algorithm(algorithm))
	}
	external := External{Policy: Policy(policy), Keys: keys, Ceiling: identity.NewScopes(i.Scopes...)}
	return external, external.Policy.Check()
}
