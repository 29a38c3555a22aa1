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
	"oms/platform/trust/exchange"
	"oms/platform/trust/peer"
	"oms/platform/trust/transaction"
)

// profile is a trust profile as the shapes need it.
type profile struct {
	name string // the word in the configuration
	open func(trust.Options) (userProfile, error)
	kind identity.Kind // of what stands for a user behind the gateway
}

// userProfile is a trust profile that can also have a user's credential made.
type userProfile interface {
	trust.Profile
	User(ctx context.Context, caller, callee string) (trust.Issued, error)
}

// profiles are all trust profiles. Another one is one more entry.
var profiles = []profile{
	{"exchange", func(o trust.Options) (userProfile, error) { return exchange.New(o), nil }, identity.Internal},
	{"transaction", func(o trust.Options) (userProfile, error) { return transaction.New(o), nil }, identity.Transaction},
	{"peer", func(o trust.Options) (userProfile, error) { return peer.New(o) }, identity.Transaction},
}

// opened is a profile in use, for all workloads of a domain.
type opened struct {
	trust.Profile
	// user is what stands for a user when caller's own code runs: what the gateway would have sent it, for an edge token.
	user func(ctx context.Context, edge identity.Credential, caller string) (identity.Credential, error)
}

func (p profile) in(d *domain) (opened, error) {
	with, err := p.open(trust.Options{
		Domain: domainName, Now: time.Now, Keys: trust.NewKeys(d.keys, time.Now), Revoked: new(trust.Revocations).Revoked,
		STS:       func(workload string) trust.TokenService { return system.TokenService(d.service(workload), domainName) },
		Workloads: slices.Collect(maps.Keys(d.callees)),
		KeyFile:   func(workload string) string { return filepath.Join(d.directory, workload+".keys") },
	})
	return opened{with, func(ctx context.Context, edge identity.Credential, caller string) (identity.Credential, error) {
		issued, err := with.User(identity.WithCredential(ctx, edge), gateway.Name, caller)
		return identity.Credential{Kind: p.kind, Text: issued.Token}, err
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
