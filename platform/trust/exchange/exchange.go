// Package exchange is the trust profile in which every hop carries a token of the STS for exactly that hop.
package exchange

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust"
)

// Profile is the default profile: every hop carries a short-lived JWT of the STS for exactly this callee, got by token
// exchange (RFC 8693). sub is the user, act the workloads on the way, scope what the user may do there. Where no user is
// behind the call, the token only says who the workload is. The callee verifies it by itself.
type Profile struct {
	trust.Options
	tokens *trust.Cache
}

var _ trust.Profile = (*Profile)(nil)

// New makes the profile.
func New(o trust.Options) *Profile { return &Profile{o, trust.NewCache(o.Now)} }

// Name implements [trust.Profile].
func (*Profile) Name() string { return "exchange" }

// Attach puts the token into the Authorization header.
func (p *Profile) Attach(ctx context.Context, c *rpc.Call) error {
	issued, err := p.token(ctx, c.Caller, c.Callee)
	if err != nil {
		return err
	}
	c.SetHeader("Authorization", "Bearer "+issued.Token.Reveal())
	return nil
}

// User says who the credential in ctx stands for at callee, and what that user may do there: the exchange that a call
// from caller to callee will use. Without a credential it is nobody.
func (p *Profile) User(ctx context.Context, caller, callee string) (trust.Issued, error) {
	if identity.CredentialFrom(ctx).Kind == identity.NoCredential {
		return trust.Issued{}, nil
	}
	return p.token(ctx, caller, callee)
}

// token gives the token for the user behind ctx, or the workload's own.
func (p *Profile) token(ctx context.Context, caller, callee string) (trust.Issued, error) {
	user := identity.CredentialFrom(ctx)
	return p.tokens.Get(ctx, trust.CacheKey(caller, callee, user), p.StillHolds, func(ctx context.Context) (trust.Issued, error) {
		if user.Kind == identity.NoCredential {
			return p.STS(caller).WorkloadToken(ctx, callee)
		}
		return p.STS(caller).Exchange(ctx, user, callee)
	})
}

// keepInterval is how often it is looked whether a token is missing or has to be replaced.
const keepInterval = 10 * time.Second

// KeepOwn keeps a workload's own tokens for the callees at hand, until ctx ends: calls that no user is behind need no STS
// then, however late the first of them comes.
func (p *Profile) KeepOwn(ctx context.Context, workload string, callees []string) {
	ticker := time.NewTicker(keepInterval)
	defer ticker.Stop()
	for {
		for _, callee := range callees {
			_, _ = p.token(ctx, workload, callee) // where that fails, it is tried again, and a call says why
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Refused drops the token: it may have been signed with a key that was withdrawn, or revoked.
func (p *Profile) Refused(ctx context.Context, c *rpc.Call, _ *fault.Error) (again bool) {
	p.tokens.Drop(trust.CacheKey(c.Caller, c.Callee, identity.CredentialFrom(ctx)))
	return true
}

// Verify judges the token by the STS's keys.
func (p *Profile) Verify(ctx context.Context, c *rpc.Call) (rpc.Proven, error) {
	raw, err := onlyBearer(c.Header)
	if err != nil {
		return rpc.Proven{}, err
	}
	t, err := Read(raw.Reveal(), p.Domain, c.Callee, p.KeysHaving(ctx), p.Now())
	verdict, judged := errors.AsType[*token.Error](err)
	switch {
	case judged:
		return rpc.Proven{}, rpc.NotProven("The token of %s does not hold here: %s.", c.Caller, verdict.Reason).Because(err)
	case err != nil:
		return rpc.Proven{}, err
	case t.Subject != "" && p.Revoked(t.Subject, t.IssuedAt):
		return rpc.Proven{}, rpc.NotProven("The token of %s was revoked.", c.Caller)
	}
	proven := rpc.Proven{Principal: identity.Principal{Subject: t.Subject, Caller: t.Workload, Scopes: t.Scopes}}
	if t.Subject != "" {
		proven.User = identity.Credential{Kind: identity.Internal, Text: raw}
	}
	return proven, nil
}

// onlyBearer is the token of the one Authorization header (RFC 6750 section 2.1).
func onlyBearer(header http.Header) (secret.Text, error) {
	sent := header.Values("Authorization")
	if len(sent) != 1 {
		return "", rpc.NotProven("The call has %d Authorization headers; it takes exactly one.", len(sent))
	}
	scheme, raw, _ := strings.Cut(sent[0], " ")
	if scheme != "Bearer" || raw == "" {
		return "", rpc.NotProven("The call has no bearer token.")
	}
	return secret.Text(raw), nil
}
