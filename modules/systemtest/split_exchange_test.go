package systemtest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/modules/sts"
	"oms/modules/system"
	"oms/platform/lifecycle"
	"oms/platform/rpc"
	"oms/platform/secret"
)

// received is the token that a workload shows to a callee for a user who has brought subject.
func (s *split) received(by, callee, kind, subject string) sts.Exchanged {
	s.Helper()
	return gives[sts.Exchanged](s.posing("sts", s.stolen(by)), "sts.Exchange",
		sts.ExchangeRequest{SubjectToken: secret.Text(subject), SubjectTokenType: kind, Audience: s.id(callee)})
}

func exchanging(s *split, kind, subject, audience string) string {
	return `{"subject_token":"` + subject + `","subject_token_type":"` + kind + `","audience":"` + audience + `"}`
}

func TestACapturedOrderProcessExchangesNoMoreThanItWasGiven(t *testing.T) {
	s := openSplit(t)
	captured := s.posing("sts", s.stolen("order"))
	edgeToken := s.token("admin", "add_order")
	given := s.received("gateway", "order", sts.AccessToken, edgeToken)
	onward := s.received("order", "inventory", sts.InternalToken, given.AccessToken.Reveal())
	own := gives[sts.WorkloadToken](captured, "sts.WorkloadToken", sts.WorkloadTokenRequest{Audience: s.id("inventory")}).AccessToken.Reveal()
	if given.Scope != "add_order" || onward.Scope != "" || onward.Subject != "admin" {
		t.Errorf("an admin's narrow token became %q, then %q of %q", given.Scope, onward.Scope, onward.Subject)
	}
	if onward.ExpiresIn > given.ExpiresIn {
		t.Errorf("the token lives for %d s, that it was exchanged for only %d s", onward.ExpiresIn, given.ExpiresIn)
	}
	for what, c := range map[string]struct {
		request string
		status  int
		code    string
	}{
		"a stolen edge token":           {exchanging(s, sts.AccessToken, edgeToken, s.id("inventory")), 403, "permission_denied"},
		"a stolen session":              {exchanging(s, sts.SessionToken, "AAAA", s.id("inventory")), 403, "permission_denied"},
		"an edge token as ours":         {exchanging(s, sts.InternalToken, edgeToken, s.id("inventory")), 401, "unauthenticated"},
		"a token for another workload":  {exchanging(s, sts.InternalToken, onward.AccessToken.Reveal(), s.id("inventory")), 401, "unauthenticated"},
		"a workload's token as a user":  {exchanging(s, sts.InternalToken, own, s.id("inventory")), 401, "unauthenticated"},
		"another kind":                  {exchanging(s, "urn:ietf:params:oauth:token-type:id_token", given.AccessToken.Reveal(), s.id("inventory")), 422, "invalid_argument"},
		"for itself":                    {exchanging(s, sts.InternalToken, given.AccessToken.Reveal(), s.id("order")), 403, "permission_denied"},
		"for the gateway":               {exchanging(s, sts.InternalToken, given.AccessToken.Reveal(), s.id("gateway")), 403, "permission_denied"},
		"for the STS":                   {exchanging(s, sts.InternalToken, given.AccessToken.Reveal(), s.id("sts")), 403, "permission_denied"},
		"for nobody":                    {exchanging(s, sts.InternalToken, given.AccessToken.Reveal(), s.id("nobody")), 403, "permission_denied"},
		"for another domain":            {exchanging(s, sts.InternalToken, given.AccessToken.Reveal(), "spiffe://x/inventory"), 403, "permission_denied"},
		"for the public":                {exchanging(s, sts.InternalToken, given.AccessToken.Reveal(), s.config.Server.PublicURL), 403, "permission_denied"},
		"nothing for nobody":            {"{}", 403, "permission_denied"},
		"something that is no request":  {"[]", 400, "malformed"},
		"a token of its own for itself": {`{}`, 403, "permission_denied"},
	} {
		captured.mustRefuse(what, captured.send("sts.Exchange", c.request), c.status, c.code, "")
	}
	s.logged("sts", "level=WARN", "an exchange was refused", "caller=order", "Only the gateway exchanges what users bring")
	for _, audience := range []string{"order", "gateway", "sts", "nobody"} {
		captured.mustRefuse("its own token for "+audience, captured.send("sts.WorkloadToken", `{"audience":"`+s.id(audience)+`"}`), 403, "permission_denied", "invalid_target")
	}
	for operation, refusal := range map[string]int{"sts.Authenticate": 401, "sts.AuthenticateSession": 401, "sts.ServerCertificate": 403, "sts.Enrol": 403} {
		if got := captured.send(operation, "{}"); got.status != refusal {
			t.Errorf("%s: %d %s", operation, got.status, got.body)
		}
	}
}

func TestACapturedInventoryCallsNothing(t *testing.T) {
	s := openSplit(t)
	given := s.received("gateway", "order", sts.AccessToken, s.token("admin"))
	onward := s.received("order", "inventory", sts.InternalToken, given.AccessToken.Reveal()).AccessToken.Reveal()
	may := map[string]bool{"sts.Renew": true, "sts.Keys": true, "sts.Feed": true, "sts.PublishKeys": true}
	for module, operations := range map[string][]rpc.Operation{
		"sts": sts.Operations.Operations(), "order": order.Operations.Operations(), "inventory": inventory.Operations.Operations(),
	} {
		captured := s.posing(module, s.stolen("inventory"))
		for _, operation := range operations {
			name := operation.Row().Name
			for _, shown := range []string{onward, given.AccessToken.Reveal(), s.token("admin")} {
				got := captured.send(name, exchanging(s, sts.InternalToken, onward, s.id("order")), bearer(shown))
				if may[name] && (got.status == 200 || got.status == 422) || got.status == 401 || got.status == 403 {
					continue
				}
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
	}
}

func TestADisabledUserIsRefusedEverywhereWithinSeconds(t *testing.T) {
	s := openSplit(t)
	edgeToken := s.token("admin")
	s.place("before", edgeToken)
	given := s.received("gateway", "order", sts.AccessToken, edgeToken).AccessToken.Reveal()
	onward := s.received("order", "inventory", sts.InternalToken, given).AccessToken.Reveal()
	atOrder, atInventory, atSTS := s.posing("order", s.stolen("gateway")), s.posing("inventory", s.stolen("order")), s.posing("sts", s.stolen("order"))
	const request = `{"key":"replayed","revision":1,"lines":[{"category":"books","code":"978-1617295959","quantity":1}],"by":"admin"}`
	list := func() reply { return atOrder.send("order.List", "{}", bearer(given)) }
	reserve := func() reply { return atInventory.send("inventory.Reserve", request, bearer(onward)) }
	onwards := func() reply {
		return atSTS.send("sts.Exchange", exchanging(s, sts.InternalToken, given, s.id("inventory")))
	}
	edgeList := func() reply { return s.do("GET", "/order", bearer(edgeToken)) }
	for i, got := range []reply{list(), reserve(), onwards(), edgeList()} {
		if got.status != 200 {
			t.Fatalf("%d, before: %d %s", i, got.status, got.body)
		}
	}
	s.disable("admin", true)
	disabled := time.Now()
	for i, ask := range []func() reply{list, reserve, onwards, edgeList} {
		if !soon(func() bool { return ask().status == 401 }) {
			t.Errorf("%d still answers %d", i, ask().status)
		}
	}
	if took := time.Since(disabled); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	s.logged("inventory", "its proof does not hold", "peer=order", "was revoked")
}

// request is a certificate request; change spoils it.
func (s *split) request(workload string, change func(*x509.CertificateRequest)) []byte {
	s.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	template := &x509.CertificateRequest{URIs: []*url.URL{{Scheme: "spiffe", Host: s.config.Trust.Domain, Path: "/" + workload}}}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		s.Fatal(err)
	}
	return der
}

func TestAStolenJoinTokenIsWorthOneCertificateOfItsOwner(t *testing.T) {
	s := openSplit(t)
	joining := s.joinToken("order")
	stranger := s.posing("sts", nil)
	enrol := func(token string, request []byte) (reply, error) {
		return stranger.try("sts.Enrol", asText(t, sts.EnrolRequest{JoinToken: secret.Text(token), Request: request}))
	}
	renamed := strings.Replace(joining.Reveal(), "order.", "gateway.", 1)
	for what, c := range map[string]struct {
		token   string
		request []byte
		status  int
		code    string
	}{
		"for the STS":           {joining.Reveal(), s.request("sts", nil), 422, "invalid_argument"},
		"for the gateway":       {joining.Reveal(), s.request("gateway", nil), 422, "invalid_argument"},
		"with another's name":   {renamed, s.request("gateway", nil), 401, "unauthenticated"},
		"for two":               {joining.Reveal(), s.request("order", func(r *x509.CertificateRequest) { r.URIs = append(r.URIs, &url.URL{Scheme: "spiffe", Host: "x"}) }), 422, "invalid_argument"},
		"with a DNS name":       {joining.Reveal(), s.request("order", func(r *x509.CertificateRequest) { r.DNSNames = []string{"localhost"} }), 422, "invalid_argument"},
		"with a DNS name alone": {joining.Reveal(), s.request("order", func(r *x509.CertificateRequest) { r.URIs, r.DNSNames = nil, []string{"sts"} }), 422, "invalid_argument"},
		"with a subject":        {joining.Reveal(), s.request("order", func(r *x509.CertificateRequest) { r.Subject = pkix.Name{CommonName: "gateway"} }), 422, "invalid_argument"},
		"to be an authority": {joining.Reveal(), s.request("order", func(r *x509.CertificateRequest) {
			r.ExtraExtensions = []pkix.Extension{{Id: []int{2, 5, 29, 19}, Value: []byte{0x30, 3, 1, 1, 0xff}}}
		}), 422, "invalid_argument"},
		"without a request":       {joining.Reveal(), nil, 422, "invalid_argument"},
		"without the secret":      {"order..x", s.request("order", nil), 401, "unauthenticated"},
		"without anything":        {"", s.request("order", nil), 401, "unauthenticated"},
		"with a pattern of words": {"order.%.x", s.request("order", nil), 401, "unauthenticated"},
	} {
		got, err := enrol(c.token, c.request)
		if err != nil {
			t.Fatal(err)
		}
		stranger.mustRefuse(what, got, c.status, c.code, "")
	}
	s.logged("sts", "level=WARN", "a certificate was refused", "workload=gateway", "caller=stranger")

	var all sync.WaitGroup
	var granted atomic.Int64
	for range 8 {
		all.Go(func() {
			if got, err := enrol(joining.Reveal(), s.request("order", nil)); err == nil && got.status == 200 {
				granted.Add(1)
			}
		})
	}
	all.Wait()
	if granted.Load() != 1 {
		t.Errorf("a join token was worth %d certificates", granted.Load())
	}
	s.logged("sts", "level=INFO", "a certificate was issued", "workload=order", "caller=stranger")
	for _, certificate := range []struct{ by, operation, asked string }{{"order", "sts.Renew", "gateway"}, {"inventory", "sts.Renew", "sts"}} {
		p := s.posing("sts", s.stolen(certificate.by))
		p.mustRefuse(certificate.asked, p.send(certificate.operation, asText(t, sts.CertificateRequest{Request: s.request(certificate.asked, nil)})), 422, "invalid_argument", "another identity")
	}
}

// Certificates that nobody needs would make the list of the revoked ones longer than an announcement can be, and so keep
// the removal of the workload from everybody.
func TestACapturedWorkloadCannotOutgrowItsRemoval(t *testing.T) {
	s := openSplit(t)
	captured := s.posing("sts", s.stolen("order"))
	request := asText(t, sts.CertificateRequest{Request: s.request("order", nil)})
	for issued := 0; ; issued++ {
		got := captured.send("sts.Renew", request)
		if got.status == 429 {
			break
		}
		if got.status != 200 || issued > 2000 {
			t.Fatalf("after %d certificates: %d %s", issued, got.status, got.body)
		}
	}
	s.removeWorkload("order")
	atInventory := s.posing("inventory", s.stolen("order"))
	if !soon(func() bool {
		got, err := atInventory.try("inventory.List", "{}")
		return err != nil || strings.Contains(got.body, "certificate")
	}) {
		t.Error("it is still let in")
	}
	joining := s.joinToken("order") // it comes back, if somebody wants it to
	gives[sts.Certificate](s.posing("sts", nil), "sts.Enrol", sts.EnrolRequest{JoinToken: joining, Request: s.request("order", nil)})
}

// impostor answers at an address with a certificate, and counts what it is told.
func (s *split) impostor(address string, certificate *tls.Certificate) *atomic.Int64 {
	s.Helper()
	told := new(atomic.Int64)
	s.captured(address, certificate, func(w http.ResponseWriter, _ *http.Request) {
		told.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Rpc-Version", "1")
		_, _ = w.Write([]byte(`{"outcome":"reserved"}`))
	})
	return told
}

// captured answers at an address with a certificate, in whatever way.
func (s *split) captured(address string, certificate *tls.Certificate, handle http.HandlerFunc) {
	s.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		s.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handle)
	server.Listener, server.EnableHTTP2 = listener, true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{*certificate}, ClientAuth: tls.RequestClientCert, NextProtos: []string{"h2"}}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.StartTLS()
	s.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
}

func TestAnImpostorIsToldNothing(t *testing.T) {
	for what, c := range map[string]struct {
		certificate func(*split) *tls.Certificate
		why         string
	}{
		"another module":      {func(s *split) *tls.Certificate { return s.stolen("order") }, "inventory was called and order answered"},
		"the public listener": {func(s *split) *tls.Certificate { return s.stolen("public") }, "inventory could not prove itself"},
		"a self-signed one":   {func(s *split) *tls.Certificate { return mint(s, s.config.Trust.Domain, nil, nil, named("inventory")) }, "is not signed by a root"},
		"one that is for clients only": {func(s *split) *tls.Certificate {
			return s.minted(func(c *x509.Certificate) { named("inventory")(c); c.ExtKeyUsage = c.ExtKeyUsage[:1] })
		}, "not for this side"},
		"one whose certificate is over": {func(s *split) *tls.Certificate {
			return s.minted(func(c *x509.Certificate) { named("inventory")(c); c.NotAfter = time.Now().Add(-time.Second) })
		}, "has expired"},
	} {
		t.Run(what, func(t *testing.T) {
			s := openSplit(t)
			s.stop("inventory")
			told := s.impostor(s.at("inventory"), c.certificate(s))
			if got := s.do("POST", "/order", bearer(s.token("alice")), body(anOrder("robbed"))); got.status != 503 {
				t.Errorf("%d %s", got.status, got.body)
			}
			s.logged("order", "level=WARN", "calls to a module fail", c.why)
			if told.Load() != 0 {
				t.Errorf("the impostor was told %d requests", told.Load())
			}
		})
	}
}

func named(workload string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.URIs = []*url.URL{{Scheme: "spiffe", Host: c.URIs[0].Host, Path: "/" + workload}}
	}
}

// Whoever answers at the STS's address does not learn the join token: it carries what the STS is known by.
func TestAFakeSTSLearnsNoJoinToken(t *testing.T) {
	s := openSplit(t)
	s.stop("order")
	if err := os.Remove(filepath.Join(s.config.DataDir, "pki", "order.pem")); err != nil {
		t.Fatal(err)
	}
	domain := s.config.Trust.Domain
	foreign := mint(t, domain, nil, nil, func(c *x509.Certificate) {
		c.URIs, c.IsCA, c.KeyUsage = []*url.URL{{Scheme: "spiffe", Host: domain}}, true, x509.KeyUsageCertSign
	})
	shown := mint(t, domain, foreign.Leaf, privateKey(t, foreign), named("sts"))
	behind := mint(t, domain, foreign.Leaf, privateKey(t, foreign), named("sts"))
	root, _ := s.root()
	behind.Certificate = append(behind.Certificate, root.Raw)
	for what, certificate := range map[string]*tls.Certificate{
		"another root": shown, "another root, with ours behind it": behind, "the public listener": s.stolen("public"), "another module": s.stolen("inventory"),
	} {
		t.Run(what, func(t *testing.T) {
			fake := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
			told := s.impostor(fake, certificate)
			log := &journal{}
			stop := startAlone(t, s.configOf("order", func(c *system.Config) { c.Modules["sts"].URL = "https://" + fake }), log)
			if !soon(func() bool { return strings.Contains(log.String(), "not accepted") }) {
				t.Errorf("its log does not say why: %s", log)
			}
			stop()
			if told.Load() != 0 || strings.Contains(log.String(), "msg=enrolled") {
				t.Errorf("it was told %d requests: %s", told.Load(), log)
			}
		})
	}
}

// startAlone starts a process that may never become ready.
func startAlone(t testing.TB, c system.Config, to *journal) (stop func()) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(to, nil))
	ctx, cancel := context.WithCancel(context.Background())
	system, err := system.Open(ctx, c, system.Options{}, log)
	if err != nil {
		t.Fatal(err)
	}
	list, err := system.Parts(func(string, net.Addr) {})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- lifecycle.Run(ctx, log, 10*time.Second, list...) }()
	return func() {
		cancel()
		<-ended
	}
}
