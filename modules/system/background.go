package system

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

const (
	// publishInterval is how often it is looked whether the keys have changed.
	publishInterval = time.Second
	// publishAgain is how often they are shown again, so that those of a workload that has stopped are not shown for ever.
	publishAgain = time.Minute
)

// publishKeys shows people the public keys of the workloads of this process, whenever they have changed and now and then,
// until ctx ends.
func (s *System) publishKeys(from publisher) func(context.Context) {
	return func(ctx context.Context) {
		shown, last := map[string]string{}, time.Now()
		ticker := time.NewTicker(publishInterval)
		defer ticker.Stop()
		for {
			if time.Since(last) >= publishAgain {
				clear(shown)
				last = time.Now()
			}
			published, err := from.Published()
			for workload, jwks := range published {
				if err == nil && shown[workload] != jwks {
					if _, err = s.stsFor(workload).PublishKeys(ctx, sts.PublishKeysRequest{JWKS: jwks}); err == nil {
						shown[workload] = jwks
					}
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
			for _, callee := range s.config.modules {
				if callee.Name != workload && slices.Contains(callee.Callers(), workload) {
					callees = append(callees, callee.Name)
				}
			}
			all.Go(func() { profile.KeepOwn(ctx, workload, callees) })
		}
		all.Wait()
	}
}
