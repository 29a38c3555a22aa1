package system

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"oms/platform/config"
)

// maxDomain is the longest trust domain: it is the organisation in our certificates, which X.520 limits to 64.
const maxDomain = 64

// Problems is everything about it that cannot stay, but for the issuers.
func (t Trust) Problems() []config.Problem {
	var list []config.Problem
	if t.Domain == "" || len(t.Domain) > maxDomain || strings.Trim(t.Domain, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		list = append(list, config.Problemf("domain",
			"%q is not a trust domain; write 1 to %d of a-z, 0-9, dot, - and _, such as orders.local", t.Domain, maxDomain))
	}
	list = append(list, config.OneOf("profile", t.Profile, profileNames()...)...)
	return append(list, t.rotationProblems()...)
}

// issuerProblems judges the external issuers, alone, beside each other and beside our own.
func (c *Config) issuerProblems() []config.Problem {
	var list []config.Problem
	seen := map[string]bool{}
	for i, issuer := range c.Trust.Issuers {
		at := fmt.Sprintf("issuers[%d]", i)
		switch {
		case issuer.Issuer != "" && issuer.Issuer == c.Server.PublicURL:
			list = append(list, config.Problemf(at+".issuer", "%q is server.public_url; our own tokens are trusted without being listed", issuer.Issuer))
		case seen[issuer.Issuer]:
			list = append(list, config.Problemf(at+".issuer", "%q is listed twice; keep one", issuer.Issuer))
		}
		seen[issuer.Issuer] = issuer.Issuer != ""
		list = append(list, config.Under(at, issuer.Problems())...)
	}
	return list
}

// shortestCertificate is the shortest lifetime of a certificate: it is renewed at half of that, and clocks differ.
const shortestCertificate = time.Minute

// rotationProblems judges the lifetimes of certificates and roots, alone and beside each other.
func (t Trust) rotationProblems() []config.Problem {
	list := slices.Concat(
		config.Within("certificate_ttl", t.CertificateTTL, shortestCertificate, 30*24*time.Hour),
		config.Between("root_announcement", t.RootAnnouncement, 30*24*time.Hour),
		config.Between("root_overlap", t.RootOverlap, 365*24*time.Hour),
		config.Between("workload_key_overlap", t.WorkloadKeyOverlap, 24*time.Hour),
	)
	if len(list) == 0 && t.RootOverlap < t.CertificateTTL {
		list = append(list, config.Problemf("root_overlap", "%s is shorter than trust.certificate_ttl, so certificates would end before their time; write %s or more",
			config.Duration(t.RootOverlap), config.Duration(t.CertificateTTL)))
	}
	return list
}
