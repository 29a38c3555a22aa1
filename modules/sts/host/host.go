// Package host builds the STS module in this process, and what operators do with it.
package host

import (
	"context"
	"maps"
	"slices"

	"oms/modules/sts"
	"oms/modules/sts/internal"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/trust/direct"
)

// Options are what the module needs.
type Options = internal.Options

// Callee is a module as the STS knows it.
type Callee = internal.Callee

// New hosts the module. At the first start it makes the signing key and the private root.
func New(ctx context.Context, o Options) (module.Hosted, error) {
	service, err := internal.New(ctx, o)
	if err != nil {
		return module.Hosted{}, err
	}
	host, err := rpc.NewHost[sts.Service](sts.Name, operations(o.Callees), service, o.Observer, o.Now)
	return module.Hosted{
		Host: host, Page: service.Page,
		Background: []module.Background{{Name: "join tokens", Run: service.LeaveJoinTokens}},
	}, err
}

// operations is the module's table, for an installation of these modules: those that call others need tokens.
func operations(callees map[string]Callee) rpc.Table[sts.Service] {
	var callers []string
	for name, callee := range callees {
		for _, caller := range callee.Callers {
			if caller != name { // as the gateway does, which is called by users alone
				callers = append(callers, caller)
			}
		}
	}
	return sts.Operations.Resolve(slices.Collect(maps.Keys(callees)), callers)
}

// OperatorOptions are what operators need.
type OperatorOptions = internal.OperatorOptions

// Administer gives what operators do on a database, beside a running STS or without one: a Conn for [sts.OperatorOperations].
// Nobody else is let in there: it is served in this process alone.
func Administer(o OperatorOptions) (rpc.Conn, error) {
	host, err := rpc.NewHost[sts.Operators](sts.Name, sts.OperatorOperations, internal.NewOperators(o), o.Observer, o.Now)
	if err != nil {
		return nil, err
	}
	return direct.Conn(host, rpc.Operator), nil
}

// DemoUsers are the accounts that the demo seeds.
func DemoUsers() []sts.User { return internal.DemoUsers() }
