package modules

import (
	"context"
	"path/filepath"
	"time"

	"oms/modules/gateway"
	"oms/modules/membership"
	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/platform/config"
	"oms/platform/identity"
	"oms/platform/observe"
	"oms/platform/pki"
	"oms/platform/rpc"
	"oms/platform/rpc/httprpc"
	"oms/platform/token"
	"oms/platform/trust"
)

// trusting is what this process knows of others, and how it proves itself to them.
type trusting struct {
	keys        *trust.Keys
	revocations *trust.Revocations
	peers       *pki.Peers
	member      *membership.Membership
	profile     userProfile // nil where all modules are in this process: nobody has to be convinced
}

// userProfile is a trust profile that can also say who a user is.
type userProfile interface {
	trust.Profile
	// User says who the credential in ctx stands for at callee, as a call from caller will have it.
	User(ctx context.Context, caller, callee string) (trust.Issued, error)
}

// profiles are the trust profiles, by their word in the configuration.
var profiles = map[string]func(trust.Options) (userProfile, error){
	"exchange":    func(o trust.Options) (userProfile, error) { return trust.NewExchange(o), nil },
	"transaction": func(o trust.Options) (userProfile, error) { return trust.NewTransaction(o), nil },
	"peer":        func(o trust.Options) (userProfile, error) { return trust.NewPeer(o) },
}

// pkiDir is where certificates are kept.
func pkiDir(c config.Config) string { return filepath.Join(c.DataDir, "pki") }

// KeyFile is where a module keeps its own keys, where the profile gives it any.
func KeyFile(c config.Config, module string) string { return filepath.Join(pkiDir(c), module+".keys") }

// joinDir is where the STS leaves join tokens for other processes of its machine.
func joinDir(c config.Config) string { return filepath.Join(pkiDir(c), "join") }

// RootCertificate is the file of the trusted roots, for clients.
func RootCertificate(c config.Config) string { return membership.RootsFile(pkiDir(c)) }

// openTrust makes this process a member of the trust domain, with the certificates that an earlier start has left.
func (s *System) openTrust(context.Context) (err error) {
	c := s.config
	s.trust = trusting{revocations: &trust.Revocations{}, peers: pki.NewPeers(c.Trust.Domain, time.Now)}
	s.trust.keys = trust.NewKeys(s.fetchKeys, time.Now)
	if c.Split() {
		if s.trust.profile, err = profiles[c.Trust.Profile](trust.Options{
			Domain: c.Trust.Domain, Now: time.Now, Keys: s.trust.keys, Revoked: s.trust.revocations.Revoked, STS: s.tokenService,
			Workloads: s.workloads(), KeyFile: func(workload string) string { return KeyFile(c, workload) },
		}); err != nil {
			return err
		}
	}
	s.trust.member, err = membership.Open(membership.Options{
		Domain: c.Trust.Domain, Dir: pkiDir(c), Workloads: s.workloads(), Public: c.Hosts(gateway.Name) && c.Server.TLS.CertFile == "",
		As: c.Listeners()[0], STS: s.stsFor, Hosted: c.Hosts("sts"), Enrolment: s.enrolment, JoinFile: s.joinFile,
		Keys: s.trust.keys, Revocations: s.trust.revocations, Peers: s.trust.peers, Now: time.Now, Log: s.log,
	})
	s.checks = append(s.checks, observe.Check{Name: "trust", Ready: func(ctx context.Context) error { return s.trust.member.Ready(ctx) }})
	return err
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
	return sts.Client{Conn: s.conn("sts", workload)}
}

// fetchKeys asks the STS for its public keys.
func (s *System) fetchKeys(ctx context.Context) (*token.KeySet, error) {
	answer, err := s.stsFor(s.config.Listeners()[0]).Keys(ctx, sts.KeysRequest{})
	if err != nil {
		return nil, err
	}
	return token.ParseKeySet([]byte(answer.JWKS))
}

// enrolment is the STS as a stranger reaches it, who knows nothing but the fingerprint of its root. It stays the same
// while the fingerprint does, so that what is in the way is logged once.
func (s *System) enrolment(fingerprint string) sts.Service {
	s.ways.Lock()
	defer s.ways.Unlock()
	if s.stranger.fingerprint == fingerprint {
		return s.stranger.Client
	}
	transport := httprpc.NewTransport(httprpc.TransportOptions{
		TLS:        pinned(s.config.Trust.Domain, fingerprint),
		Generation: func() uint64 { return 0 },
	})
	conn := httprpc.NewConn(httprpc.ConnOptions{
		Caller: rpc.Stranger, Callee: "sts", URL: s.config.Module("sts").URL, Profile: s.trust.profile, Transport: transport, Log: s.log,
	})
	s.stranger = stranger{sts.Client{Conn: closing{conn, transport}}, fingerprint}
	return s.stranger.Client
}

// stranger is a way to the STS without a certificate.
type stranger struct {
	sts.Client
	fingerprint string // of the root that the STS has to show
}

// closing is a Conn that keeps no connection: it is needed once, or a while later.
type closing struct {
	rpc.Conn
	transport *httprpc.Transport
}

func (c closing) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	defer c.transport.Close()
	return c.Conn.Invoke(ctx, op, request, response)
}

// joinFile is where the join token of a workload of this process is.
func (s *System) joinFile(workload string) string {
	if s.options.JoinTokenFile != "" {
		return s.options.JoinTokenFile
	}
	return stshost.JoinFile(joinDir(s.config), workload)
}

// tokenService is the STS as the profile needs it.
func (s *System) tokenService(workload string) trust.TokenService {
	return TokenService(s.stsFor(workload), s.config.Trust.Domain)
}

// TokenService is the STS, as one workload reaches it, for that workload's profile.
func TokenService(service sts.Service, domain string) trust.TokenService {
	return tokenService{service, domain}
}

type tokenService struct {
	sts    sts.Service
	domain string
}

// subjectTokenTypes say what each kind of credential is in an exchange.
var subjectTokenTypes = map[identity.Kind]string{
	identity.EdgeToken: sts.AccessToken, identity.Session: sts.SessionToken, identity.Internal: sts.InternalToken, identity.Transaction: sts.TransactionToken,
}

// Exchange implements [trust.TokenService].
func (t tokenService) Exchange(ctx context.Context, user identity.Credential, callee string) (trust.Issued, error) {
	return t.exchange(ctx, user, callee, sts.InternalToken)
}

// Transaction implements [trust.TokenService].
func (t tokenService) Transaction(ctx context.Context, user identity.Credential, callee string) (trust.Issued, error) {
	return t.exchange(ctx, user, callee, sts.TransactionToken)
}

func (t tokenService) exchange(ctx context.Context, user identity.Credential, callee, requested string) (trust.Issued, error) {
	asked := time.Now()
	answer, err := t.sts.Exchange(ctx, sts.ExchangeRequest{
		SubjectToken: user.Text, SubjectTokenType: subjectTokenTypes[user.Kind], RequestedTokenType: requested, Audience: pki.ID(t.domain, callee),
	})
	return trust.Issued{
		Token: answer.AccessToken, IssuedAt: answer.IssuedAt, Expires: asked.Add(time.Duration(answer.ExpiresIn) * time.Second),
		Subject: answer.Subject, FullName: answer.FullName, Scopes: identity.ParseScopes(answer.Scope),
	}, err
}

// WorkloadToken implements [trust.TokenService].
func (t tokenService) WorkloadToken(ctx context.Context, callee string) (trust.Issued, error) {
	asked := time.Now()
	answer, err := t.sts.WorkloadToken(ctx, sts.WorkloadTokenRequest{Audience: pki.ID(t.domain, callee)})
	return trust.Issued{
		Token: answer.AccessToken, IssuedAt: answer.IssuedAt, Expires: asked.Add(time.Duration(answer.ExpiresIn) * time.Second),
	}, err
}

// judgedByProfile has the profile say who users are: what it shows to the callee says the same.
type judgedByProfile struct{ profile userProfile }

// Judge implements [gateway.Users].
func (u judgedByProfile) Judge(ctx context.Context, callee string) (sts.Judgement, error) {
	issued, err := u.profile.User(ctx, gateway.Name, callee)
	return sts.Judgement{Subject: issued.Subject, FullName: issued.FullName, Scopes: issued.Scopes}, err
}

var _ gateway.Users = judgedByProfile{}

// publisher is a profile that has public keys to show to people.
type publisher interface {
	Published() (map[string]string, error) // by workload, a JWK Set
}

// publishInterval is how often it is looked whether the keys have changed.
const publishInterval = time.Second

// publishKeys shows people the public keys of the workloads of this process, whenever they have changed, until ctx ends.
func (s *System) publishKeys(from publisher) func(context.Context) {
	return func(ctx context.Context) {
		shown := map[string]string{}
		ticker := time.NewTicker(publishInterval)
		defer ticker.Stop()
		for {
			published, err := from.Published()
			for workload, jwks := range published {
				if shown[workload] == jwks {
					continue
				}
				if _, err = s.stsFor(workload).PublishKeys(ctx, sts.PublishKeysRequest{JWKS: jwks}); err == nil {
					shown[workload] = jwks
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
