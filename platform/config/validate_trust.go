package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxDomain is the longest trust domain: it is the organisation in our certificates, which X.520 limits to 64.
const maxDomain = 64

// maxLifetime bounds max_lifetime. Tokens of ten years are in use in demonstrations; twice that is a mistyped unit.
const maxLifetime = 20 * 365 * 24 * time.Hour

// algorithms are the signatures by a public key (RFC 7518, section 3.1, and RFC 8037). A shared secret (HS256) would
// let everyone who can verify a token also make one; "none" would let everyone.
func algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

func (t Trust) problems(publicURL string) []problem {
	var list []problem
	if t.Domain == "" || len(t.Domain) > maxDomain || strings.Trim(t.Domain, lower+digits+".-_") != "" {
		list = append(list, problemf("trust.domain",
			"%q is not a trust domain; write 1 to %d of a-z, 0-9, dot, - and _, such as orders.local", t.Domain, maxDomain))
	}
	list = append(list, oneOf("trust.profile", t.Profile, profileExchange, profileTransaction, profilePeer)...)
	list = append(list, t.rotationProblems()...)
	seen := map[string]bool{}
	for i, issuer := range t.Issuers {
		key := fmt.Sprintf("trust.issuers[%d].", i)
		switch {
		case issuer.Issuer != "" && issuer.Issuer == publicURL:
			list = append(list, problemf(key+"issuer", "%q is server.public_url; our own tokens are trusted without being listed", issuer.Issuer))
		case seen[issuer.Issuer]:
			list = append(list, problemf(key+"issuer", "%q is listed twice; keep one", issuer.Issuer))
		}
		seen[issuer.Issuer] = issuer.Issuer != ""
		list = append(list, issuer.problems(key)...)
	}
	return list
}

// shortestCertificate is the shortest lifetime of a certificate: it is renewed at half of that, and clocks differ.
const shortestCertificate = time.Minute

// rotationProblems judges the lifetimes of certificates and roots, alone and beside each other.
func (t Trust) rotationProblems() []problem {
	list := slices.Concat(
		within("trust.certificate_ttl", t.CertificateTTL, shortestCertificate, 30*24*time.Hour),
		between("trust.root_announcement", t.RootAnnouncement, 30*24*time.Hour),
		between("trust.root_overlap", t.RootOverlap, 365*24*time.Hour),
		between("trust.workload_key_overlap", t.WorkloadKeyOverlap, 24*time.Hour),
	)
	if len(list) == 0 && t.RootOverlap < t.CertificateTTL {
		list = append(list, problemf("trust.root_overlap", "%s is shorter than trust.certificate_ttl, so certificates would end before their time; write %s or more",
			duration(t.RootOverlap), duration(t.CertificateTTL)))
	}
	return list
}

func (i Issuer) problems(key string) []problem {
	list := slices.Concat(
		claim(key+"issuer", i.Issuer, "the value of the claim iss"),
		claim(key+"audience", i.Audience, "the value of the claim aud"),
	)
	if strings.Contains(i.Issuer, "|") {
		list = append(list, problemf(key+"issuer", "%q must not hold |, which divides issuer and subject in an owner's name", i.Issuer))
	}
	if i.JWKSFile == "" {
		list = append(list, problemf(key+"jwks_file", "is missing; write the path of the issuer's key set"))
	}
	list = append(list, file(key+"jwks_file", i.JWKSFile)...)
	list = append(list, i.algorithmProblems(key+"algorithms")...)
	if len(i.Types) == 0 {
		list = append(list, problemf(key+"types", "is empty, so no token would be accepted; write [at+jwt, JWT]"))
	}
	for _, t := range i.Types {
		list = append(list, claim(key+"types", t, "values of the header typ")...)
	}
	list = append(list, between(key+"max_lifetime", i.MaxLifetime, maxLifetime)...)
	list = append(list, claim(key+"scope_claim", i.ScopeClaim, "the name of a claim, such as scope")...)
	for _, scope := range i.Scopes {
		if !scopeToken(scope) {
			list = append(list, problemf(key+"scopes", "%q is not a scope; write printable ASCII without spaces, quotes and backslashes", scope))
		}
	}
	return list
}

func (i Issuer) algorithmProblems(key string) []problem {
	if len(i.Algorithms) == 0 {
		return []problem{problemf(key, "is empty, so no token would be accepted; write [RS256]")}
	}
	var list []problem
	for _, name := range i.Algorithms {
		if !slices.Contains(algorithms(), name) {
			list = append(list, problemf(key, "%q is not accepted; write some of %s", name, strings.Join(algorithms(), ", ")))
		}
	}
	return list
}

// claim judges a text that is compared with a part of a token: it is there, and holds nothing that cannot be seen.
func claim(key, text, what string) []problem {
	switch {
	case text == "":
		return []problem{problemf(key, "is missing; write %s", what)}
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return []problem{problemf(key, "%q holds a space or a control character; write %s", text, what)}
	}
	return nil
}

// scopeToken follows RFC 6749, section 3.3: %x21 / %x23-5B / %x5D-7E.
func scopeToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '"' || r == '\\'
	})
}
