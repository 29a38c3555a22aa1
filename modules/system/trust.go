package system

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/modules/membership"
	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/observe"
	"oms/platform/pki"
	"oms/platform/token"
	"oms/platform/trust"
	"oms/platform/trust/direct"
	"oms/platform/trust/exchange"
	"oms/platform/trust/peer"
	"oms/platform/trust/transaction"
)

// trustState is what this process knows of others, and how it proves itself to them.
type trustState struct {
	keys        *trust.Keys
	revocations *trust.Revocations
	peers       *pki.Peers
	member      *membership.Membership
	profile     trust.Profile
}

// Profile is a trust profile between processes.
type Profile struct {
	Name string // the word in the configuration
	Open func(trust.Options) (trust.Profile, error)
}

// Profiles are all trust profiles between processes. Another one is one more line.
var Profiles = []Profile{
	{"exchange", func(o trust.Options) (trust.Profile, error) { return exchange.New(o), nil }},
	{"transaction", func(o trust.Options) (trust.Profile, error) { return transaction.New(o), nil }},
	{"peer", func(o trust.Options) (trust.Profile, error) { return peer.New(o) }},
}

// profileNames are the words for trust.profile; the first one is the default.
func profileNames() (names []string) {
	for _, p := range Profiles {
		names = append(names, p.Name)
	}
	return names
}

// openProfile makes the profile of this deployment: where all modules are in this process, nobody has to be convinced.
func (s *System) openProfile() (trust.Profile, error) {
	open := func(o trust.Options) (trust.Profile, error) { return direct.New(o), nil }
	for _, p := range Profiles {
		if s.config.Split() && p.Name == s.config.Trust.Profile {
			open = p.Open
		}
	}
	return open(trust.Options{
		Domain: s.config.Trust.Domain, Now: time.Now, Keys: s.trust.keys, Revocations: s.trust.revocations, STS: s.tokenService,
		Workloads: s.workloads(), KeyFile: func(workload string) string { return KeyFile(s.config, workload) },
	})
}

// pkiDir is where certificates are kept.
func pkiDir(c Config) string { return filepath.Join(c.DataDir, "pki") }

// KeyFile is where a module keeps its own keys, where the profile gives it any.
func KeyFile(c Config, module string) string { return filepath.Join(pkiDir(c), module+".keys") }

// RootCertificate is the file of the trusted roots, for clients.
func RootCertificate(c Config) string { return membership.RootsFile(pkiDir(c)) }

// openTrust makes this process a member of the trust domain, with the certificates that an earlier start has left.
func (s *System) openTrust() (err error) {
	c := s.config
	s.trust = trustState{revocations: trust.NewRevocations(c.Trust.FeedMaxAge, time.Now), peers: pki.NewPeers(c.Trust.Domain, time.Now)}
	s.trust.keys = trust.NewKeys(s.fetchKeys, time.Now)
	if s.trust.profile, err = s.openProfile(); err != nil {
		return err
	}
	s.trust.member, err = membership.Open(membership.Options{
		Domain: c.Trust.Domain, Dir: pkiDir(c), Workloads: s.workloads(), Public: c.certifiedNames(),
		As: c.Listeners()[0], FeedMaxAge: c.Trust.FeedMaxAge, STS: s.stsFor, Hosted: c.Hosts(sts.Name), Enrolment: s.enrolment, JoinFile: s.joinFile,
		Keys: s.trust.keys, Revocations: s.trust.revocations, Peers: s.trust.peers, Now: time.Now, Log: s.log,
	})
	s.checks = append(s.checks, observe.Check{Name: "trust", Ready: s.trust.member.Ready})
	return err
}

// certifiedNames are the names of the certificate that the STS gives the public listener of this process; none where there is none.
func (c Config) certifiedNames() []string {
	if !c.Hosts(c.publicName()) || c.Server.TLS.CertFile != "" {
		return nil
	}
	return c.PublicHosts()
}

// usersRefused is a line that says that users are refused here because nothing is heard from the STS, while that is so. That is
// no reason to send this process nothing any more: what nobody is behind goes on.
func (s *System) usersRefused() []string {
	tooOld := s.trust.revocations.TooOld()
	if tooOld == nil || !s.config.Split() { // within one process everything is asked of the STS itself
		return nil
	}
	return []string{"users  refused, until the STS is heard again (trust.feed_max_age). " + tooOld.Detail}
}

// feedAge measures how old that is what this process knows of revocations.
func (s *System) feedAge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "oms_feed_age_seconds",
		Help: "How long ago the STS was heard last to say what is revoked; above trust.feed_max_age users' calls are refused here.",
	}, func() float64 { return s.trust.revocations.Age().Seconds() })
}

// workloads are the modules of this process that prove themselves to others; none where nobody else is there.
func (s *System) workloads() []string {
	if !s.config.Split() {
		return nil
	}
	return s.config.Listeners()
}

// stsFor is the STS as a workload of this process reaches it.
func (s *System) stsFor(workload string) sts.Service {
	return sts.Client{Conn: s.reach(sts.Name, workload)}
}

// joinFile is where the join token of a workload of this process is.
func (s *System) joinFile(workload string) string {
	return cmp.Or(s.options.JoinTokenFile, sts.JoinFile(s.config.DataDir, workload))
}

// fetchKeys asks the STS for its public keys.
func (s *System) fetchKeys(ctx context.Context) (*token.KeySet, error) {
	answer, err := s.stsFor(s.config.Listeners()[0]).Keys(ctx, sts.KeysRequest{})
	if err != nil {
		return nil, err
	}
	return token.ParseKeySet([]byte(answer.JWKS))
}

// tokenService is the STS as the profile needs it.
func (s *System) tokenService(workload string) trust.TokenService {
	return TokenService{s.stsFor(workload), s.config.Trust.Domain}
}

// TokenService is the STS, as one workload reaches it, for that workload's profile.
type TokenService struct {
	STS    sts.Service
	Domain string // the trust domain
}

var _ trust.TokenService = TokenService{}

// tokenTypes say what each kind of credential is in an exchange.
var tokenTypes = map[identity.Kind]string{
	identity.EdgeToken: sts.AccessToken, identity.Session: sts.SessionToken, identity.Internal: sts.InternalToken, identity.Transaction: sts.TransactionToken,
}

// Authenticate implements [trust.TokenService].
func (t TokenService) Authenticate(ctx context.Context, user identity.Credential, callee string) (trust.Issued, error) {
	var found sts.Authentication
	var err error
	switch user.Kind {
	case identity.EdgeToken:
		found, err = t.STS.Authenticate(ctx, sts.AuthenticateRequest{Token: user.Text, Callee: callee})
	case identity.Session:
		found, err = t.STS.AuthenticateSession(ctx, sts.AuthenticateSessionRequest{Session: user.Text, Callee: callee})
	default: // which only other processes show
		err = fault.New(fault.Unauthenticated, "No user brings a credential of the kind %q.", user.Kind)
	}
	return trust.Issued{Subject: found.Subject, FullName: found.FullName, Scopes: identity.NewScopes(found.Scopes...)}, err
}

// Exchange implements [trust.TokenService].
func (t TokenService) Exchange(ctx context.Context, user identity.Credential, callee string) (trust.Issued, error) {
	return t.exchange(ctx, user, callee, identity.Internal)
}

// Transaction implements [trust.TokenService].
func (t TokenService) Transaction(ctx context.Context, user identity.Credential, callee string) (trust.Issued, error) {
	return t.exchange(ctx, user, callee, identity.Transaction)
}

func (t TokenService) exchange(ctx context.Context, user identity.Credential, callee string, requested identity.Kind) (trust.Issued, error) {
	asked := time.Now()
	answer, err := t.STS.Exchange(ctx, sts.ExchangeRequest{
		SubjectToken: user.Text, SubjectTokenType: tokenTypes[user.Kind], RequestedTokenType: tokenTypes[requested], Audience: pki.ID(t.Domain, callee),
	})
	return trust.Issued{
		Token: answer.AccessToken, Kind: requested, IssuedAt: answer.IssuedAt, Expires: asked.Add(time.Duration(answer.ExpiresIn) * time.Second),
		Subject: answer.Subject, FullName: answer.FullName, Scopes: identity.ParseScopes(answer.Scope), Grant: answer.Grant,
	}, err
}

// WorkloadToken implements [trust.TokenService].
func (t TokenService) WorkloadToken(ctx context.Context, callee string) (trust.Issued, error) {
	asked := time.Now()
	answer, err := t.STS.WorkloadToken(ctx, sts.WorkloadTokenRequest{Audience: pki.ID(t.Domain, callee)})
	return trust.Issued{
		Token: answer.AccessToken, IssuedAt: answer.IssuedAt, Expires: asked.Add(time.Duration(answer.ExpiresIn) * time.Second),
	}, err
}
