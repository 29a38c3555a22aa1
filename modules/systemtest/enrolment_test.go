package systemtest

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/modules/system"
	"oms/platform/secret"
)

func TestAStolenJoinTokenIsWorthOneCertificateOfItsOwner(t *testing.T) {
	d := openSplit(t)
	joining := d.joinToken("order")
	stranger := d.callerWith("sts", nil)
	enrol := func(token string, request []byte) (Reply, error) {
		return stranger.try("sts.Enrol", mustMarshal(t, sts.EnrolRequest{JoinToken: secret.Text(token), Request: request}))
	}
	renamed := strings.Replace(joining.Reveal(), "order.", "gateway.", 1)
	for what, c := range map[string]struct {
		token   string
		request []byte
		status  int
		code    string
	}{
		"for the STS":           {joining.Reveal(), d.certificateRequest("sts", nil), 422, "invalid_argument"},
		"for the gateway":       {joining.Reveal(), d.certificateRequest("gateway", nil), 422, "invalid_argument"},
		"with another's name":   {renamed, d.certificateRequest("gateway", nil), 401, "unauthenticated"},
		"for two":               {joining.Reveal(), d.certificateRequest("order", func(r *x509.CertificateRequest) { r.URIs = append(r.URIs, &url.URL{Scheme: "spiffe", Host: "x"}) }), 422, "invalid_argument"},
		"with a DNS name":       {joining.Reveal(), d.certificateRequest("order", func(r *x509.CertificateRequest) { r.DNSNames = []string{"localhost"} }), 422, "invalid_argument"},
		"with a DNS name alone": {joining.Reveal(), d.certificateRequest("order", func(r *x509.CertificateRequest) { r.URIs, r.DNSNames = nil, []string{"sts"} }), 422, "invalid_argument"},
		"with a subject":        {joining.Reveal(), d.certificateRequest("order", func(r *x509.CertificateRequest) { r.Subject = pkix.Name{CommonName: "gateway"} }), 422, "invalid_argument"},
		"to be an authority": {joining.Reveal(), d.certificateRequest("order", func(r *x509.CertificateRequest) {
			r.ExtraExtensions = []pkix.Extension{{Id: []int{2, 5, 29, 19}, Value: []byte{0x30, 3, 1, 1, 0xff}}}
		}), 422, "invalid_argument"},
		"without a request":       {joining.Reveal(), nil, 422, "invalid_argument"},
		"without the secret":      {"order..x", d.certificateRequest("order", nil), 401, "unauthenticated"},
		"without anything":        {"", d.certificateRequest("order", nil), 401, "unauthenticated"},
		"with a pattern of words": {"order.%.x", d.certificateRequest("order", nil), 401, "unauthenticated"},
	} {
		got, err := enrol(c.token, c.request)
		if err != nil {
			t.Fatal(err)
		}
		stranger.expectRefused(what, got, c.status, c.code, "")
	}
	d.expectLogged("sts", "level=WARN", "a certificate was refused", "workload=gateway", "caller=stranger")

	var all sync.WaitGroup
	var granted atomic.Int64
	for range 8 {
		all.Go(func() {
			if got, err := enrol(joining.Reveal(), d.certificateRequest("order", nil)); err == nil && got.Status == 200 {
				granted.Add(1)
			}
		})
	}
	all.Wait()
	if granted.Load() != 1 {
		t.Errorf("a join token was worth %d certificates", granted.Load())
	}
	d.expectLogged("sts", "level=INFO", "a certificate was issued", "workload=order", "caller=stranger")
	for _, certificate := range []struct{ by, operation, asked string }{{"order", "sts.Renew", "gateway"}, {"inventory", "sts.Renew", "sts"}} {
		p := d.callerWith("sts", d.certificateOf(certificate.by))
		p.expectRefused(certificate.asked, p.send(certificate.operation, mustMarshal(t, sts.CertificateRequest{Request: d.certificateRequest(certificate.asked, nil)})), 422, "invalid_argument", "another identity")
	}
}

// Certificates that nobody needs would make the list of the revoked ones longer than an announcement can be, and so keep
// the removal of the workload from everybody.
func TestACapturedWorkloadCannotOutgrowItsRemoval(t *testing.T) {
	t.Parallel()
	d := openSplit(t)
	captured := d.callerWith("sts", d.certificateOf("order"))
	request := mustMarshal(t, sts.CertificateRequest{Request: d.certificateRequest("order", nil)})
	for issued := 0; ; issued++ {
		got := captured.send("sts.Renew", request)
		if got.Status == 429 {
			break
		}
		if got.Status != 200 || issued > 2000 {
			t.Fatalf("after %d certificates: %d %s", issued, got.Status, got.Body)
		}
	}
	d.removeWorkload("order")
	atInventory := d.callerWith("inventory", d.certificateOf("order"))
	if !eventually(func() bool {
		got, err := atInventory.try("inventory.List", "{}")
		return err != nil || strings.Contains(got.Body, "certificate")
	}) {
		t.Error("it is still let in")
	}
	joining := d.joinToken("order") // it comes back, if somebody wants it to
	call[sts.Certificate](d.callerWith("sts", nil), "sts.Enrol", sts.EnrolRequest{JoinToken: joining, Request: d.certificateRequest("order", nil)})
}

// Whoever answers at the STS's address does not learn the join token: it carries what the STS is known by.
func TestAFakeSTSLearnsNoJoinToken(t *testing.T) {
	d := openSplit(t)
	d.stop("order")
	if err := os.Remove(filepath.Join(d.config.DataDir, "pki", "order.pem")); err != nil {
		t.Fatal(err)
	}
	domain := d.config.Trust.Domain
	foreign := signCertificate(t, domain, nil, nil, func(c *x509.Certificate) {
		c.URIs, c.IsCA, c.KeyUsage = []*url.URL{{Scheme: "spiffe", Host: domain}}, true, x509.KeyUsageCertSign
	})
	shown := signCertificate(t, domain, foreign.Leaf, privateKey(t, foreign), withName("sts"))
	behind := signCertificate(t, domain, foreign.Leaf, privateKey(t, foreign), withName("sts"))
	root, _ := d.root()
	behind.Certificate = append(behind.Certificate, root.Raw)
	for what, certificate := range map[string]*tls.Certificate{
		"another root": shown, "another root, with ours behind it": behind, "the public listener": d.certificateOf("public"), "another module": d.certificateOf("inventory"),
	} {
		t.Run(what, func(t *testing.T) {
			fake, told := d.impersonate("127.0.0.1:0", certificate)
			p := &process{config: d.process("order").config}
			p.config.Modules = maps.Clone(p.config.Modules)
			p.config.Modules["sts"] = &system.ModuleAddress{URL: "https://" + fake}
			if err := p.begin(); err != nil {
				t.Fatal(err)
			}
			if !eventually(func() bool { return strings.Contains(p.log.String(), "not accepted") }) {
				t.Errorf("its log does not say why: %s", p.log)
			}
			_ = p.stop() // it was never ready
			if told.Load() != 0 || strings.Contains(p.log.String(), "msg=enrolled") {
				t.Errorf("it was told %d requests: %s", told.Load(), p.log)
			}
		})
	}
}

// The STS lets whoever has no certificate ask for one, and for nothing else.
func TestAStrangerReachesEnrolmentAlone(t *testing.T) {
	d := openSplit(t)
	stranger := d.callerWith("sts", nil)
	for _, operation := range sts.Operations.Operations() {
		name := operation.Row().Name
		got := stranger.send(name, `{"join_token":"order.x.y","request":""}`, bearer(d.token("admin")))
		if name == "sts.Enrol" {
			stranger.expectRefused(name, got, 401, "unauthenticated", "The join token does not hold")
			continue
		}
		stranger.expectRefused(name, got, 403, "permission_denied", "stranger may not call "+name)
		d.expectLogged("sts", "decision", "operation="+name, "caller=stranger", "reason=caller_not_listed")
	}
	stranger.expectRefused("an unknown operation", stranger.send("sts.Nothing", "{}"), 501, "unimplemented", "")
	for _, path := range []string{"/oauth2/sign-in", "/oauth2/jwks", "/oauth2/none"} {
		for who, p := range map[string]*caller{"nobody": stranger, "order": d.callerWith("sts", d.certificateOf("order")), "inventory": d.callerWith("sts", d.certificateOf("inventory"))} {
			r, err := http.NewRequest(http.MethodGet, "https://"+d.addressOf("sts")+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Client-Address", "127.0.0.1:1")
			if got, err := Fetch(p.client, r); err != nil || got.Status != 403 || !strings.Contains(got.Body, "through the gateway") {
				t.Errorf("%s as %s: %v %v", path, who, got, err)
			}
		}
	}
	d.expectLogged("sts", "level=WARN", "the STS's pages are for the gateway", "peer=order")
	d.expectLogged("sts", "level=WARN", "the STS's pages are for the gateway", "peer=stranger")
}

// A module that was away while the root was replaced knows the old one alone. Whoever lets it in again says which root
// there is now.
func TestAModuleThatSleptThroughANewRootComesBack(t *testing.T) {
	t.Parallel()
	short := func(c *system.Config) { c.Trust.CertificateTTL = 4 * time.Second }
	d := openSplit(t, short)
	d.stop("order")
	feed := filepath.Join(d.config.DataDir, "pki", "feed.json")
	slept, err := os.ReadFile(feed)
	if err != nil {
		t.Fatal(err)
	}
	d.rotateRoot(time.Second, 4*time.Second)
	if !eventually(func() bool {
		list, err := sts.ListCertificates.Call(d.Context(), d.operators(), sts.ListRequest{})
		return err == nil && len(list.Roots) == 2
	}) {
		t.Fatal("the old root does not go")
	}
	d.trustRoots()
	d.expect(d.do("GET", "/order", bearer(d.token("alice"))), 503)
	if err := os.WriteFile(feed, slept, 0o600); err != nil { // as a machine of its own has it
		t.Fatal(err)
	}
	d.start("order")
	d.expectLogged("order", "msg=enrolled")
	if !eventually(func() bool { return d.do("GET", "/order", bearer(d.token("alice"))).Status == 200 }) {
		t.Errorf("it is not back\n%s", d.log("order"))
	}
}
