// Package peer is the trust profile in which every workload has keys of its own and signs every attempt anew: for this callee,
// this operation and this body, for seconds, and once. The callee learns the keys from the caller itself, over a connection
// that shows whose they are. The user travels in the STS's transaction token, to which the proof is bound.
//
// A callee remembers accepted proofs for as long as they could be accepted again, and no longer than it runs. So each process
// makes a nonce when it starts, and a proof has to hold it (as RFC 9449 section 8 has it for DPoP): a caller that does not know
// it is refused, and told. A caller puts the nonces of all processes that it has met into its proofs, since it cannot know
// which one answers. A proof is then good once for each process, and only its caller could bring it to another one.
package peer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"oms/platform/fault"
	"oms/platform/pki"
	"oms/platform/rpc"
	"oms/platform/token"
	"oms/platform/trust"
	"oms/platform/trust/transaction"
)

// proofHeader carries the proof that a caller has signed for one attempt.
const proofHeader = "Workload-Proof"

const (
	proofType = "workload-proof+jwt"
	// proofLifetime is how long an attempt may be under way.
	proofLifetime = 30 * time.Second
	// maxProofs is how many attempts of one generation are remembered: 90 s of 2,700 calls a second, some 20 MiB. There are
	// two generations.
	maxProofs = 250_000
)

// Profile is the profile.
type Profile struct {
	transaction.Users
	own     map[string]*ownKeys // of the workloads of this process
	nonce   string              // of this start
	callers callerKeys          // as callee: whose keys are known
	seen    *replays
	callees *callees // as caller: what is known of them
}

var _ trust.Profile = (*Profile)(nil)

// New makes the profile, and the keys of the workloads of this process where there are none yet.
func New(o trust.Options) (*Profile, error) {
	p := &Profile{
		Users: transaction.NewUsers(o), own: map[string]*ownKeys{}, seen: newReplays(proofLifetime+2*trust.Leeway, maxProofs),
		nonce: rand.Text(), callees: newCallees(o.Now),
	}
	for _, workload := range o.Workloads {
		keys, err := openKeys(o.KeyFile(workload), o.Now)
		if err != nil {
			return nil, err
		}
		p.own[workload] = keys
	}
	return p, nil
}

// name is what trust.profile calls it.
const name = "peer"

// Name implements [trust.Profile].
func (*Profile) Name() string { return name }

// proofClaims are what a caller signs for one attempt.
type proofClaims struct {
	Issuer    string      `json:"iss"`
	Subject   string      `json:"sub"`
	Audience  string      `json:"aud"`
	IssuedAt  json.Number `json:"iat"`
	Expires   json.Number `json:"exp"`
	ID        string      `json:"jti"`
	Nonces    []string    `json:"nonces"` // of the callee's processes
	Operation string      `json:"op"`
	Digest    string      `json:"digest"`             // SHA-256 of the body, base64url
	User      string      `json:"txn_hash,omitempty"` // SHA-256 of the transaction token, base64url
}

// Attach signs this attempt, and adds the user's transaction token where there is a user.
func (p *Profile) Attach(ctx context.Context, c *rpc.Call) error {
	txn, err := p.AttachUser(ctx, c)
	if err != nil {
		return err
	}
	own := p.own[c.Caller]
	if own == nil {
		return fault.New(fault.Internal, "This process has no keys of %s.", c.Caller)
	}
	signing, public, err := own.current()
	if err != nil {
		return fault.From(err)
	}
	nonces, send := p.callees.next(c, public)
	id, now := pki.ID(p.Domain, c.Caller), p.Now()
	claims := proofClaims{
		Issuer: id, Subject: id, Audience: pki.ID(p.Domain, c.Callee), IssuedAt: token.NumericDate(now), Expires: token.NumericDate(now.Add(proofLifetime)),
		ID: uuid.NewString(), Nonces: append([]string{}, nonces...), Operation: c.Operation, Digest: encodeDigest(c.Digest),
	}
	if txn != "" {
		claims.User = encodeDigest(sha256.Sum256([]byte(txn.Reveal())))
	}
	proof, err := token.Sign(signing, proofType, claims)
	if err != nil {
		return fault.From(err)
	}
	c.SetHeader(proofHeader, proof)
	if send {
		c.SetHeader(keysHeader, base64.RawURLEncoding.EncodeToString([]byte(public)))
	}
	return nil
}

// Refused introduces the caller anew, with the nonce that the callee has told: it may have been started since.
func (p *Profile) Refused(ctx context.Context, c *rpc.Call, refusal *fault.Error) (again bool) {
	p.Drop(ctx, c)
	p.callees.refused(c, refusal)
	return true
}

// Verify judges the proof by the caller's own keys, and the user's token by the STS's.
func (p *Profile) Verify(ctx context.Context, c *rpc.Call) (rpc.Proven, error) {
	if err := p.judge(c); err != nil {
		return rpc.Proven{}, err
	}
	proven, err := p.VerifyUser(ctx, c)
	proven.Caller = c.Caller
	return proven, err
}

// judge says what is wrong with the proof of an attempt. What it is verified with are the keys that the caller introduces
// beside it, which are the caller's because of its certificate, or those that it has introduced before. Keys are kept, and
// the proof remembered as used, only when everything else holds.
func (p *Profile) judge(c *rpc.Call) error {
	proofs := c.Header.Values(proofHeader)
	if len(proofs) != 1 {
		return rpc.NotProven("The call of %s has %d proofs; it takes exactly one.%s", c.Caller, len(proofs), trust.Mixed(name, c.Header))
	}
	sent, err := sentKeys(c)
	if err != nil {
		return err
	}
	now, keys := p.Now(), sent
	if keys == nil {
		keys = p.callers.of(c.Caller)
	}
	claims, err := p.read(c, proofs[0], keySet(keys, now), now)
	if err != nil {
		return err
	}
	switch first, full := p.seen.first(c.Caller, claims.ID, now); {
	case full:
		return fault.Retryable(time.Second, "%s has been called so often that it cannot tell what is new.", c.Callee)
	case !first:
		return rpc.NotProven("The proof of %s was used already.", c.Caller)
	}
	if sent != nil {
		p.callers.keep(c.Caller, sent, claims.IssuedAt)
	}
	return nil
}

// read verifies a proof, and that it is for this call.
func (p *Profile) read(c *rpc.Call, proof string, keys *token.KeySet, now time.Time) (token.Claims, error) {
	if keys == nil {
		return token.Claims{}, p.challenge("The keys of %s are not known here yet.", c.Caller)
	}
	id := pki.ID(p.Domain, c.Caller)
	claims, err := token.Issuer{
		Name: id, Audience: pki.ID(p.Domain, c.Callee), Algorithms: []token.Algorithm{token.ES256}, Types: []string{proofType},
		MaxLifetime: proofLifetime, Leeway: trust.Leeway, Require: []string{"jti", "nonces", "op", "digest"},
	}.Verify(proof, keys, now)
	switch {
	case err != nil:
		return claims, rpc.NotProven("The proof of %s does not hold here: %s.", c.Caller, token.ReasonOf(err)).Because(err)
	case !holds(claims, "nonces", p.nonce): // what was accepted before this start cannot be known any more
		return claims, p.challenge("The proof of %s is not for this start of %s.", c.Caller, c.Callee)
	}
	if wrong := mismatch(c, claims, id); wrong != "" {
		return claims, rpc.NotProven("The proof of %s is not for this call: %s.", c.Caller, wrong)
	}
	return claims, nil
}

// mismatch says in what a proof that holds is not that of this call, or "".
func mismatch(c *rpc.Call, claims token.Claims, id string) string {
	user := ""
	if txn := c.Header.Get(transaction.Header); txn != "" {
		user = encodeDigest(sha256.Sum256([]byte(txn)))
	}
	switch {
	case claims.Subject != id || len(claims.Audience) != 1:
		return "sub is not its issuer, or it is for several callees"
	case claims.Text("op") != c.Operation:
		return "it is for another operation"
	case claims.Text("digest") != encodeDigest(c.Digest):
		return "it is for another body"
	case claims.Text("txn_hash") != user:
		return "it is for another user's transaction token"
	}
	return ""
}

// challenge tells a caller that has not met this start of the callee what it needs for its next attempt.
func (p *Profile) challenge(detail string, args ...any) *fault.Error {
	return rpc.NotProven(detail, args...).With(fault.Field{Pointer: noncePointer, Detail: p.nonce})
}

func encodeDigest(sum [sha256.Size]byte) string { return base64.RawURLEncoding.EncodeToString(sum[:]) }

// holds reports whether a claim is a list that holds the text. The list is as short as a token is.
func holds(claims token.Claims, name, text string) bool {
	list, _ := claims.Member(name)
	for _, item := range list.Items() {
		if value, _ := item.Text(); value == text {
			return true
		}
	}
	return false
}

// Published are the public keys of the workloads of this process, for people to see.
func (p *Profile) Published() (map[string]string, error) {
	sets := map[string]string{}
	for workload, own := range p.own {
		_, public, err := own.current()
		if err != nil {
			return nil, err
		}
		sets[workload] = public
	}
	return sets, nil
}
