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

// open opens a profile for all workloads of the domain, in a process that has heard what has ended.
func (d *domain) open(p system.Profile, heard *trust.Revocations) (trust.Profile, error) {
	return p.Open(trust.Options{
		Domain: domainName, Now: time.Now, Keys: trust.NewKeys(d.keys, time.Now), Revocations: heard,
		STS: func(workload string) trust.TokenService {
			return system.TokenService{STS: d.service(workload), Domain: domainName}
		},
		Workloads: slices.Collect(maps.Keys(d.callees)),
		KeyFile:   func(workload string) string { return filepath.Join(d.directory, workload+".keys") },
	})
}

// user is what stands for a user in the hands of a workload: what the calls that lead to it from the gateway have brought,
// for an edge token.
func (d *domain) user(ctx context.Context, with trust.Profile, edge identity.Credential, workload string) (identity.Credential, error) {
	held, path := edge, d.path(workload)
	for i, callee := range path[1:] {
		issued, err := with.User(identity.WithCredential(ctx, held), path[i], callee)
		if err != nil {
			return identity.Credential{}, err
		}
		if issued.Token != held.Text { // else it is passed on
			held = identity.Credential{Kind: issued.Kind, Text: issued.Token}
		}
	}
	return held, nil
}

// path are the workloads by which a user's request gets from the gateway to a workload, both included.
func (d *domain) path(to string) []string {
	paths := [][]string{{gateway.Name}}
	for i := 0; i < len(paths); i++ {
		at := paths[i][len(paths[i])-1]
		if at == to {
			return paths[i]
		}
		for _, callee := range slices.Sorted(maps.Keys(d.callees)) {
			met := slices.ContainsFunc(paths, func(path []string) bool { return path[len(path)-1] == callee })
			if !met && slices.Contains(d.callees[callee].Callers, at) {
				paths = append(paths, append(slices.Clone(paths[i]), callee))
			}
		}
	}
	return []string{gateway.Name, to} // which the STS refuses
}

// keys asks the STS for its public keys.
func (d *domain) keys(ctx context.Context) (*token.KeySet, error) {
	answer, err := d.service(gateway.Name).Keys(ctx, sts.KeysRequest{})
	if err != nil {
		return nil, err
	}
	return token.ParseKeySet([]byte(answer.JWKS))
}
