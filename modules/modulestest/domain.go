package modulestest

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"oms/modules"
	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/platform/database/databasetest"
	"oms/platform/identity"
	"oms/platform/module"
	"oms/platform/pki"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/token"
	"oms/platform/trust/direct"
	"oms/platform/trust/transaction"
)

const (
	domainName = "orders.local"
	publicURL  = "https://orders.example"

	// lifetime is longer than any test; what may not live as long is replaced.
	lifetime = time.Hour
)

// domain is a trust domain: a private root, the workloads that it has issued certificates to, and an STS with users.
type domain struct {
	authority  *pki.Authority
	peers      *pki.Peers
	directory  string // of the workloads' certificates
	workloads  sync.Map
	modules    []module.Module // of the product and of the suite
	sts        module.Hosted
	callees    map[string]stshost.Callee
	operator   rpc.Conn
	foreign    token.SigningKey // of an issuer beside our own
	users      users
	userScopes identity.Scopes // of every user
}

// open makes a domain, which is closed when t ends.
func open(t testing.TB, o Options) *domain {
	t.Helper()
	authority, err := pki.NewAuthority(domainName, time.Now())
	must(t, err)
	roots, err := pki.NewRoots(domainName, authority.Certificate())
	must(t, err)
	foreign, err := token.GenerateSigningKey(token.ES256)
	must(t, err)
	d := &domain{
		authority: authority, peers: pki.NewPeers(domainName, time.Now), directory: t.TempDir(), foreign: foreign,
		modules: slices.Concat(modules.All, o.Modules), userScopes: o.Scopes,
	}
	d.callees = stshost.Callees(d.modules)
	d.peers.Trust(roots, nil)
	for _, callee := range d.callees {
		d.userScopes = identity.NewScopes(append(callee.Scopes, d.userScopes...)...)
	}
	edge, err := d.edge()
	must(t, err)
	store := databasetest.Open(t, "sts")
	d.operator, err = stshost.Administer(stshost.OperatorOptions{Store: store, Observer: rpctest.Observe(t, sts.OperatorOperations.Operations()), Now: time.Now, Domain: domainName})
	must(t, err)
	d.sts, err = stshost.New(t.Context(), stshost.Options{
		Env: module.Env{
			Store: store, Observer: &rpctest.Observer{}, Now: time.Now, Log: slog.New(slog.DiscardHandler), Edge: module.Edge{Accepted: edge},
			Installation: module.Installation{Domain: domainName, PublicHosts: []string{"orders.example"}, CertificateTTL: lifetime},
		},
		Callees:  d.callees,
		Settings: stshost.Settings{SessionTTL: lifetime, InternalTokenTTL: lifetime, TransactionTokenTTL: transaction.MaxLifetime, WorkloadTokenTTL: lifetime},
	})
	must(t, err)
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// service is the STS as a workload reaches it.
func (d *domain) service(workload string) sts.Service {
	return sts.Client{Conn: direct.Conn(d.sts.Host, workload)}
}

// keyPair is a workload's certificate, nil for an anonymous caller. Each workload gets one.
func (d *domain) keyPair(t testing.TB, workload string) *pki.KeyPair {
	t.Helper()
	if workload == rpc.Anonymous {
		return nil
	}
	issue, _ := d.workloads.LoadOrStore(workload, sync.OnceValues(func() (*pki.KeyPair, error) {
		own, err := pki.OpenKeyPair(filepath.Join(d.directory, workload+".pem"))
		if err != nil {
			return nil, err
		}
		return own, own.Renew(context.Background(), pki.ID(domainName, workload), func(_ context.Context, request []byte) ([][]byte, error) {
			leaf, err := d.authority.IssueWorkload(request, workload, time.Now(), lifetime)
			if err != nil {
				return nil, err
			}
			return [][]byte{leaf.Raw, d.authority.Certificate().Raw}, nil
		})
	}))
	own, err := issue.(func() (*pki.KeyPair, error))()
	must(t, err)
	return own
}
