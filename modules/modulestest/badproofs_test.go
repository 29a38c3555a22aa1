package modulestest

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"oms/modules/system"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/trust"
)

// badProof is a proof that must not hold: right in everything but one thing.
type badProof struct {
	name   string
	attach func(ctx context.Context, d *domain, p trust.Profile, c *rpc.Call) error
	can    func(d *domain, caller, callee string) bool // whether there can be such a proof; nil: always
}

// withBadProof attaches a proof that must not hold.
type withBadProof struct {
	trust.Profile
	domain *domain
	how    *badProof
}

func (s withBadProof) Attach(ctx context.Context, c *rpc.Call) error {
	if c.Header == nil { // copies of the call share it
		c.Header = http.Header{}
	}
	return s.how.attach(ctx, s.domain, s.Profile, c)
}

// badProofs are by the profile that must refuse them.
func badProofs() map[string][]*badProof {
	return map[string][]*badProof{
		"exchange": {
			{"missing", attachNothing, nil},
			{"what the user brought to the edge", attachToken("Authorization", "Bearer ", (*domain).edgeToken), nil},
			{"for another callee", attachOfChanged(func(d *domain, c *rpc.Call) { c.Callee = d.anotherCallee(c.Caller, c.Callee) }), canAnotherCallee},
			{"issued to another workload", func(_ context.Context, d *domain, p trust.Profile, c *rpc.Call) error {
				other := *c
				other.Caller = d.anotherCaller(c.Caller, c.Callee)
				return p.Attach(context.Background(), &other) // its own: a user's would have to be traded by it
			}, canAnotherCaller},
		},
		"transaction": { // it proves no caller: the certificate does, so none that is missing is for nobody
			{"what the user brought to the edge", attachToken("Txn-Token", "", (*domain).edgeToken), nil},
			{"that of another profile", attachToken("Txn-Token", "", (*domain).internalToken), nil},
			{"another profile's beside it", attachAnd(attachToken("Authorization", "Bearer ", (*domain).internalToken)), nil},
			{"two at once", attachAnd(func(_ context.Context, _ *domain, _ trust.Profile, c *rpc.Call) error {
				c.Header.Add("Txn-Token", c.Header.Get("Txn-Token"))
				return nil
			}), nil},
			{"of another transaction", otherTransaction, nil},
		},
		"peer": {
			{"missing", attachNothing, nil},
			{"for another callee", attachForNobody(func(d *domain, c *rpc.Call) { c.Callee = "elsewhere" }), nil},
			{"for another operation", attachForNobody(func(_ *domain, c *rpc.Call) { c.Operation += "Other" }), nil},
			{"for another body", attachForNobody(func(_ *domain, c *rpc.Call) { c.Digest[0] ^= 1 }), nil},
			{"signed by another workload", attachForNobody(func(d *domain, c *rpc.Call) { c.Caller = d.anyoneBut(c.Caller) }), nil},
			{"used already", attachAnd(func(ctx context.Context, _ *domain, p trust.Profile, c *rpc.Call) error {
				_, err := p.Verify(ctx, c)
				if refusal := fault.From(err); rpc.Challenge(refusal) { // they have not met
					p.Refused(ctx, c, refusal)
					clear(c.Header)
					if err = p.Attach(ctx, c); err == nil {
						_, err = p.Verify(ctx, c)
					}
				}
				return err
			}), nil},
			{"for another user's token", attachAnd(func(ctx context.Context, d *domain, p trust.Profile, c *rpc.Call) error {
				other := rpc.Call{Operation: c.Operation, Caller: c.Caller, Callee: c.Callee, Header: http.Header{}}
				edge, err := d.bearer(ctx, "bob", d.userScopes)
				if err != nil {
					return err
				}
				ctx = identity.WithCredential(ctx, edge)
				if err = p.Attach(ctx, &other); err == nil {
					c.Header.Set("Txn-Token", other.Header.Get("Txn-Token"))
				}
				return err
			}), func(_ *domain, caller, _ string) bool { return caller == "gateway" }},
			{"without the user's token", attachAnd(func(_ context.Context, _ *domain, _ trust.Profile, c *rpc.Call) error {
				c.Header.Del("Txn-Token")
				return nil
			}), nil},
			{"of another transaction", otherTransaction, nil},
		},
	}
}

func attachNothing(context.Context, *domain, trust.Profile, *rpc.Call) error { return nil }

// attachOfChanged attaches a good proof of a call that is changed.
func attachOfChanged(change func(*domain, *rpc.Call)) func(context.Context, *domain, trust.Profile, *rpc.Call) error {
	return func(ctx context.Context, d *domain, p trust.Profile, c *rpc.Call) error {
		other := *c // with the header of the call
		change(d, &other)
		return p.Attach(ctx, &other)
	}
}

// attachForNobody is ofAnother without a user, who would be refused for the change before there is a proof.
func attachForNobody(change func(*domain, *rpc.Call)) func(context.Context, *domain, trust.Profile, *rpc.Call) error {
	return func(ctx context.Context, d *domain, p trust.Profile, c *rpc.Call) error {
		return attachOfChanged(change)(identity.WithCredential(ctx, identity.Credential{}), d, p, c)
	}
}

// attachAnd attaches the good proof, and then changes it.
func attachAnd(change func(context.Context, *domain, trust.Profile, *rpc.Call) error) func(context.Context, *domain, trust.Profile, *rpc.Call) error {
	return func(ctx context.Context, d *domain, p trust.Profile, c *rpc.Call) error {
		if err := p.Attach(ctx, c); err != nil {
			return err
		}
		return change(ctx, d, p, c)
	}
}

// attachToken attaches another token.
func attachToken(name, before string, token func(*domain, context.Context, *rpc.Call) (identity.Credential, error)) func(context.Context, *domain, trust.Profile, *rpc.Call) error {
	return func(ctx context.Context, d *domain, _ trust.Profile, c *rpc.Call) error {
		other, err := token(d, ctx, c)
		c.Header.Set(name, before+other.Text.Reveal())
		return err
	}
}

func (d *domain) edgeToken(ctx context.Context, _ *rpc.Call) (identity.Credential, error) {
	return d.bearer(ctx, "alice", d.userScopes)
}

// internalToken is a user's token for this callee, as the exchange profile has it.
func (d *domain) internalToken(ctx context.Context, c *rpc.Call) (identity.Credential, error) {
	exchange, err := d.open(system.Profiles[0], &trust.Revocations{})
	if err != nil {
		return identity.Credential{}, err
	}
	edge, err := d.edgeToken(ctx, c)
	if err != nil {
		return edge, err
	}
	return d.user(ctx, exchange, edge, c.Callee)
}

// otherTransaction attaches a proof of the same user in another transaction.
func otherTransaction(ctx context.Context, d *domain, p trust.Profile, c *rpc.Call) error {
	said := identity.From(ctx)
	said.Transaction = "ffffffffffffffffffffffffffffffff"
	ctx = identity.With(ctx, said)
	if c.Caller != "gateway" { // what was passed on to it is of the transaction in which it was issued
		edge, err := d.edgeToken(ctx, c)
		if err != nil {
			return err
		}
		credential, err := d.user(ctx, p, edge, c.Caller)
		if err != nil {
			return err
		}
		ctx = identity.WithCredential(ctx, credential)
	}
	return p.Attach(ctx, c)
}

func (d *domain) anotherCallee(caller, callee string) string {
	for _, name := range slices.Sorted(maps.Keys(d.callees)) {
		if name != callee && slices.Contains(d.callees[name].Callers, caller) {
			return name
		}
	}
	return ""
}

func canAnotherCallee(d *domain, caller, callee string) bool {
	return d.anotherCallee(caller, callee) != ""
}

func (d *domain) anotherCaller(caller, callee string) string {
	for _, name := range d.callees[callee].Callers {
		if name != caller {
			return name
		}
	}
	return ""
}

func canAnotherCaller(d *domain, caller, callee string) bool {
	return d.anotherCaller(caller, callee) != ""
}

func (d *domain) anyoneBut(caller string) string {
	names := slices.Sorted(maps.Keys(d.callees))
	return names[slices.IndexFunc(names, func(name string) bool { return name != caller })]
}
