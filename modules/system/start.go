package system

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"oms/modules/sts"
	"oms/platform/lifecycle"
)

// Parts are what the process starts, in this order, and stops in reverse: the listeners before the relay, and the
// databases last of all. Health can be asked from the beginning; what others reach waits until this process can prove who
// it is. listening is told the address of each listener. On an error nothing stays open.
func (s *System) Parts(listening func(name string, address net.Addr)) ([]lifecycle.Part, error) {
	parts := []lifecycle.Part{
		{Name: "databases", Stop: func(context.Context) error { return s.close() }},
		lifecycle.HTTPServer{
			Name: "admin listener", Address: s.config.AdminAddress(), Handler: s.Admin, Log: s.log,
			Listening: func(address net.Addr) { listening("admin", address) },
		}.Part(),
		{Name: "connections", Stop: s.disconnect},
		{Name: "membership", Start: s.trust.member.Start, Run: s.trust.member.Run},
	}
	if from, has := s.trust.profile.(publisher); has {
		parts = append(parts, background("workload keys", func(ctx context.Context) { s.publishKeys(ctx, from) }))
	}
	if profile, has := s.trust.profile.(keeper); has {
		parts = append(parts, background("workload tokens", func(ctx context.Context) { s.keepOwn(ctx, profile) }))
	}
	for _, name := range s.config.names() {
		for _, work := range s.hosted[name].Background {
			parts = append(parts, background(work.Name, work.Run))
		}
	}
	for _, name := range s.workloads() {
		if s.hosted[name].Host != nil {
			parts = append(parts, s.moduleListener(name, listening))
		}
	}
	if s.Edge != nil {
		public, err := s.publicListener(listening)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		parts = append(parts, public)
	}
	return append(parts, s.readiness()), nil
}

func background(name string, run func(context.Context)) lifecycle.Part {
	return lifecycle.Part{Name: name, Run: func(ctx context.Context) error {
		run(ctx)
		return nil
	}}
}

// readiness starts last and stops first: a process says that it is ready when every listener is open, and no more from
// when it is told to stop, so that whoever sends it requests looks elsewhere.
func (s *System) readiness() lifecycle.Part {
	set := func(serving bool) func(context.Context) error {
		return func(context.Context) error {
			s.serving.Store(serving)
			return nil
		}
	}
	return lifecycle.Part{Name: "readiness", Start: set(true), Stop: set(false)}
}

func (s *System) isServing(context.Context) error {
	if !s.serving.Load() {
		return errors.New("it is starting or stopping")
	}
	return nil
}

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
func (s *System) publishKeys(ctx context.Context, from publisher) {
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

// keeper is a profile in which workloads have tokens of their own.
type keeper interface {
	KeepOwn(ctx context.Context, workload string, callees []string)
}

// keepOwn has the workloads of this process keep their tokens, for every module that lists them.
func (s *System) keepOwn(ctx context.Context, profile keeper) {
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
