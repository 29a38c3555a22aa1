package system

import (
	"fmt"
	"os"

	"oms/modules/sts"
	"oms/platform/config"
	"oms/platform/identity"
	"oms/platform/token"
)

// trustedAtEdge says which access tokens are accepted: our own and those of the configured issuers.
func trustedAtEdge(c config.Config) (sts.Edge, error) {
	edge := sts.Edge{Own: sts.OwnIssuer(c.Server.PublicURL)}
	for _, issuer := range c.Trust.Issuers {
		external, err := externalIssuer(issuer)
		if err != nil {
			return edge, fmt.Errorf("trust.issuers, issuer %q: %w", issuer.Issuer, err)
		}
		edge.External = append(edge.External, external)
	}
	return edge, nil
}

func externalIssuer(c config.Issuer) (sts.External, error) {
	text, err := os.ReadFile(c.JWKSFile)
	if err != nil {
		return sts.External{}, err
	}
	keys, err := token.ParseKeySet(text)
	if err != nil {
		return sts.External{}, fmt.Errorf("jwks_file %s: %w", c.JWKSFile, err)
	}
	policy := token.Issuer{Name: c.Issuer, Audience: c.Audience, Types: c.Types, MaxLifetime: c.MaxLifetime, ScopeClaim: c.ScopeClaim}
	for _, algorithm := range c.Algorithms {
		policy.Algorithms = append(policy.Algorithms, token.Algorithm(algorithm))
	}
	external := sts.External{Policy: sts.ExternalPolicy(policy), Keys: keys, Ceiling: identity.NewScopes(c.Scopes...)}
	return external, external.Policy.Check()
}
