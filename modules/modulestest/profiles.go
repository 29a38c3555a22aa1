package modulestest

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"oms/modules/gateway"
	"oms/modules/sts"
	"oms/modules/system"
	"oms/platform/identity"
	"oms/platform/token"
	"oms/platform/trust"
)

// openProfile is a profile in use, for all workloads of a domain.
type openProfile struct {
	trust.Profile
	// user is what stands for a user when caller's own code runs: what the gateway would have sent it, for an edge token.
	user func(ctx context.Context, edge identity.Credential, caller string) (identity.Credential, error)
}

func (d *domain) open(p system.Profile) (openProfile, error) {
	with, err := p.Open(trust.Options{
		Domain: domainName, Now: time.Now, Keys: trust.NewKeys(d.keys, time.Now), Revoked: new(trust.Revocations).Revoked,
		STS: func(workload string) trust.TokenService {
			return system.TokenService{STS: d.service(workload), Domain: domainName}
		},
		Workloads: slices.Collect(maps.Keys(d.callees)),
		KeyFile:   func(workload string) string { return filepath.Join(d.directory, workload+".keys") },
	})
	return openProfile{with, func(ctx context.Context, edge identity.Credential, caller string) (identity.Credential, error) {
		issued, err := with.User(identity.WithCredential(ctx, edge), gateway.Name, caller)
		return identity.Credential{Kind: issued.Kind, Text: issued.Token}, err
	}}, err
}

// keys asks the STS for its public keys.
func (d *domain) keys(ctx context.Context) (*token.KeySet, error) {
	answer, err := d.service(gateway.Name).Keys(ctx, sts.KeysRequest{})
	if err != nil {
		return nil, err
	}
	return token.ParseKeySet([]byte(answer.JWKS))
}
