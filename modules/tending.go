package modules

import (
	"context"
	"slices"
	"sync"
	"time"

	"oms/modules/sts"
)

// publisher is a profile that has public keys to show to people.
type publisher interface {
	Published() (map[string]string, error) // by workload, a JWK Set
}

// publishInterval is how often it is looked whether the keys have changed.
const publishInterval = time.Second

// publishKeys shows people the public keys of the workloads of this process, whenever they have changed, until ctx ends.
func (s *System) publishKeys(from publisher) func(context.Context) {
	return func(ctx context.Context) {
		shown := map[string]string{}
		ticker := time.NewTicker(publishInterval)
		defer ticker.Stop()
		for {
			published, err := from.Published()
			for workload, jwks := range published {
				if shown[workload] == jwks {
					continue
				}
				if _, err = s.stsFor(workload).PublishKeys(ctx, sts.PublishKeysRequest{JWKS: jwks}); err == nil {
					shown[workload] = jwks
				}
			}
			if err != nil && ctx.Err() == nil {
				s.log.DebugContext(ctx, "the keys of the workloads are not shown yet", "cause", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}
}

// keeper is a profile in which workloads have tokens of their own.
type keeper interface {
	KeepOwn(ctx context.Context, workload string, callees []string)
}

// keepOwn has the workloads of this process keep their tokens, for every module that lists them.
func (s *System) keepOwn(profile keeper) func(context.Context) {
	return func(ctx context.Context) {
		var all sync.WaitGroup
		for _, workload := range s.workloads() {
			var callees []string
			for name, callee := range Callees() {
				if name != workload && slices.Contains(callee.Callers, workload) {
					callees = append(callees, name)
				}
			}
			all.Go(func() { profile.KeepOwn(ctx, workload, callees) })
		}
		all.Wait()
	}
}
