// Package modulestest reaches a module in every shape that a deployment can have, so that one suite proves that it
// behaves the same in each: in one process, and in a process each, with the proofs of real trust profiles.
//
// It is for tests only. What crosses a process boundary is the product's own: its listener over TLS on loopback, its
// certificates, and a real STS on a database, which issues every token.
package modulestest

import (
	"testing"

	"oms/modules/system"
	"oms/platform/identity"
	"oms/platform/module"
	"oms/platform/rpctest"
)

// Options are what a suite needs beside the modules of the product. The zero value is nothing.
type Options struct {
	Modules []module.Module // modules of the suite's own
	Scopes  identity.Scopes // what users may hold that no module knows
}

// Probe adds rpctest's probe, and its users hold what the parity tests give them.
func Probe() Options {
	return Options{
		Modules: []module.Module{{Name: "probe", Tables: []module.Table{rpctest.ProbeTable}}},
		Scopes:  identity.NewScopes("other", "unknown_here"),
	}
}

// Shapes are all ways to reach a module, within a process and between processes. What they share is closed when t ends.
//
// A suite says in the context's principal whom it calls for, and in [rpctest.Connect] as which workload; a shape between
// processes makes a credential of it that proves the same. Where a workload gets no proof because it may not call at all,
// the STS refuses it with the code with which the callee would have refused it.
func Shapes(t testing.TB) []rpctest.Shape {
	t.Helper()
	shapes := rpctest.Shapes()
	for _, n := range networks(t, Options{}) {
		shapes = append(shapes, n.between()...)
	}
	return shapes
}

// Proven are the shapes in which callers prove themselves by a trust profile: between processes, and to a module in the
// caller's own process where others are elsewhere.
func Proven(t testing.TB, o Options) (shapes []rpctest.Shape) {
	t.Helper()
	for _, n := range networks(t, o) {
		shapes = append(append(shapes, n.between()...), rpctest.Shape{Name: "in process, " + n.Name(), Connect: n.local, Proven: true})
	}
	return shapes
}

// networks are those of all profiles, in one domain.
func networks(t testing.TB, o Options) (all []*network) {
	t.Helper()
	d := open(t, o)
	for _, p := range system.Profiles {
		all = append(all, newNetwork(t, d, p))
	}
	return all
}

// between are the shapes between processes.
func (n *network) between() []rpctest.Shape {
	name := "HTTPS + mTLS, " + n.Name()
	return []rpctest.Shape{
		{Name: name, Connect: n.remote, Proven: true},
		{Name: name + ", every retryable call made twice", Connect: rpctest.Twice(n.remote), Proven: true},
	}
}
