// Package trusttest is for tests of trust profiles, and of what lies around one: a [Domain] with keys and a clock, in which
// profiles can be opened, and a [Profile] that proves nothing. It is for tests only.
package trusttest

import (
	"context"
	"encoding/json"
	"sync"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
)

// Header is where the profile's proof travels.
const Header = "Test-Proof"

// Profile says who is calling for whom, as the principal of the caller's context has it, and is believed unless a test
// tells it otherwise. The zero value is ready.
type Profile struct {
	OnAttach  func(c *rpc.Call) error             // replaces the proof where it returns one; nil attaches
	OnVerify  func(c *rpc.Call) error             // refuses where it returns an error; nil accepts
	OnRefused func(refusal *fault.Error) bool     // whether to try again; nil does not
	Names     func(c *rpc.Call) (workload string) // what the proof names as the caller; nil is the caller

	mu       sync.Mutex
	attached int
	verified []rpc.Call
}

var _ rpc.Profile = (*Profile)(nil)

// Name is "test".
func (*Profile) Name() string { return "test" }

// Attach says who the caller and its user are.
func (p *Profile) Attach(ctx context.Context, c *rpc.Call) error {
	p.mu.Lock()
	p.attached++
	p.mu.Unlock()
	if p.OnAttach != nil {
		if err := p.OnAttach(c); err != nil {
			return err
		}
	}
	said := identity.From(ctx)
	said.Caller, said.Transaction = c.Caller, ""
	if p.Names != nil {
		said.Caller = p.Names(c)
	}
	text, err := json.Marshal(said)
	if err != nil {
		return fault.From(err)
	}
	c.SetHeader(Header, string(text))
	return nil
}

// Refused is what OnRefused says.
func (p *Profile) Refused(_ context.Context, _ *rpc.Call, refusal *fault.Error) bool {
	return p.OnRefused != nil && p.OnRefused(refusal)
}

// Verify believes what Attach said.
func (p *Profile) Verify(_ context.Context, c *rpc.Call) (rpc.Proven, error) {
	p.mu.Lock()
	p.verified = append(p.verified, *c)
	p.mu.Unlock()
	if p.OnVerify != nil {
		if err := p.OnVerify(c); err != nil {
			return rpc.Proven{}, err
		}
	}
	var said identity.Principal
	if err := json.Unmarshal([]byte(c.Header.Get(Header)), &said); err != nil {
		return rpc.Proven{}, rpc.NotProven("there is no proof in the call")
	}
	return rpc.Proven{Principal: said}, nil
}

// Attached is how often Attach was asked.
func (p *Profile) Attached() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attached
}

// Verified are the calls that Verify was asked about, in their order.
func (p *Profile) Verified() []rpc.Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]rpc.Call(nil), p.verified...)
}
