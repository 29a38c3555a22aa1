// Package modulestest reaches a module in every shape that a deployment can have, so that one suite proves that it
// behaves the same in each: in one process, and in a process each, with the proofs of real trust profiles.
//
// It is for tests only. What crosses a process boundary is the product's own: its listener over TLS on loopback, its
// certificates, and a real STS on a database, which issues every token.
package modulestest

import (
	"testing"

	stshost "oms/modules/sts/host"
	"oms/modules/system"
	"oms/platform/identity"
	"oms/platform/rpc/rpctest"
)

// Options are what a suite needs beside the modules. The zero value is nothing.
type Options struct {
	Callees map[string]stshost.Callee // what is called and is no module, by name; see [Probe]
	Scopes  identity.Scopes           // what users may hold that no callee knows
}

// Probe has the STS know rpctest's probe, and its users hold what the parity tests give them.
func Probe() Options {
	return Options{
		Callees: map[string]stshost.Callee{"probe": {Scopes: rpctest.ProbeTable.Scopes(), Callers: rpctest.ProbeTable.Callers()}},
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
	for _, w := range ways(t, Options{}) {
		shapes = append(shapes, w.between()...)
	}
	return shapes
}

// Proven are the shapes in which callers prove themselves by a trust profile: between processes, and to a module in the
// caller's own process where others are elsewhere.
func Proven(t testing.TB, o Options) (shapes []rpctest.Shape) {
	t.Helper()
	for _, w := range ways(t, o) {
		shapes = append(append(shapes, w.between()...), rpctest.Shape{Name: "in process, " + w.Name(), Connect: w.local, Proven: true})
	}
	return shapes
}

// ways are those of all profiles, in one domain.
func ways(t testing.TB, o Options) (all []*way) {
	t.Helper()
	d := open(t, o)
	for _, p := range system.Profiles {
		all = append(all, newWay(t, d, p))
	}
	return all
}

// between are the shapes between processes.
func (w *way) between() []rpctest.Shape {
	name := "HTTPS + mTLS, " + w.Name()
	return []rpctest.Shape{
		{Name: name, Connect: w.remote, Proven: true},
		{Name: name + ", every retryable call made twice", Connect: rpctest.Twice(w.remote), Proven: true},
	}
}
