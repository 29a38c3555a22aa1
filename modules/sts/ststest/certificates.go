package ststest

import (
	"context"
	"crypto/x509"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/pki"
	"oms/platform/rpc"
	"oms/platform/secret"
)

var certificateTests = map[string]func(*testing.T, world){
	"a join token is traded for the workload's first certificate, once": enrolled,
	"twenty bring the same join token, one gets the certificate":        enrolledAtOnce,
	"what is no join token is refused":                                  notJoining,
	"a request for another identity does not use the join token up":     wrongRequest,
	"a removed workload gets no certificate until there is a token":     removed,
	"a workload renews its own certificate, and nobody else's":          renewed,
	"the public listener's certificate is nobody's identity":            serverCertificates,
}

// requestFor is what a process asks for a certificate with: its own key, and the identity; "" is none.
func requestFor(t *testing.T, id string) (request []byte) {
	t.Helper()
	own, err := pki.OpenKeyPair(filepath.Join(t.TempDir(), "own.pem"))
	must(t, err)
	asked := errors.New("that is all")
	if err := own.Renew(context.Background(), id, func(_ context.Context, r []byte) ([][]byte, error) {
		request = r
		return nil, asked
	}); !errors.Is(err, asked) {
		t.Fatal(err)
	}
	return request
}

// joinToken is what an operator carries to the machine of a workload.
func (w world) joinToken(t *testing.T, workload string) secret.Text {
	t.Helper()
	join, err := sts.CreateJoinToken.Call(t.Context(), w.Operator, sts.WorkloadRequest{Workload: workload})
	must(t, err)
	return join.Token
}

func (w world) enrol(t *testing.T, token secret.Text, request []byte) (sts.Certificate, error) {
	t.Helper()
	return w.by(t, rpc.Anonymous).Enrol(nobody, sts.EnrolRequest{JoinToken: token, Request: request})
}

// proves is the workload that a certificate proves to whoever trusts these roots.
func (w world) proves(t *testing.T, c sts.Certificate, roots string) (workload string, leaf *x509.Certificate) {
	t.Helper()
	trusted, err := pki.ParseRoots(Domain, []byte(roots))
	must(t, err)
	var chain []*x509.Certificate
	for _, der := range c.Chain {
		certificate, err := x509.ParseCertificate(der)
		must(t, err)
		chain = append(chain, certificate)
	}
	peers := pki.NewPeers(Domain, w.Clock.Now)
	peers.Trust(trusted, nil)
	workload, err = peers.Identify(chain)
	must(t, err)
	return workload, chain[0]
}

// listed are the roots and the certificates that operators see.
func (w world) listed(t *testing.T) sts.Certificates {
	t.Helper()
	list, err := sts.ListCertificates.Call(t.Context(), w.Operator, sts.ListRequest{})
	must(t, err)
	return list
}

// remove has an operator remove a workload.
func (w world) remove(t *testing.T, workload string) {
	t.Helper()
	_, err := sts.RemoveWorkload.Call(t.Context(), w.Operator, sts.WorkloadRequest{Workload: workload})
	must(t, err)
}

// certificates are those of a workload on record.
func (w world) certificates(t *testing.T, workload string) (count int) {
	t.Helper()
	for _, c := range w.listed(t).Certificates {
		if c.Workload == workload {
			count++
		}
	}
	return count
}

func enrolled(t *testing.T, w world) {
	token := w.joinToken(t, "order")
	answer, err := w.enrol(t, token, requestFor(t, callee("order")))
	must(t, err)
	workload, leaf := w.proves(t, answer, answer.Roots)
	if life := leaf.NotAfter.Sub(w.Clock.Now()); workload != "order" || life > CertificateLifetime || life < CertificateLifetime-time.Minute {
		t.Errorf("it proves %q for %v", workload, life)
	}
	root, err := x509.ParseCertificate(answer.Chain[1])
	must(t, err)
	if !strings.HasSuffix(token.Reveal(), "."+pki.Fingerprint(root)) {
		t.Error("the join token does not carry the fingerprint of the root that has signed")
	}
	_, err = w.enrol(t, token, requestFor(t, callee("order")))
	mustFail(t, "the second time", err, fault.Unauthenticated)
	if got := w.certificates(t, "order"); got != 1 {
		t.Errorf("%d certificates on record", got)
	}
}

func enrolledAtOnce(t *testing.T, w world) {
	token, request, stranger := w.joinToken(t, "order"), requestFor(t, callee("order")), w.by(t, rpc.Anonymous)
	var group sync.WaitGroup
	answers := make([]fault.Code, 20)
	for i := range answers {
		group.Go(func() {
			_, err := stranger.Enrol(nobody, sts.EnrolRequest{JoinToken: token, Request: request})
			answers[i] = fault.CodeOf(err)
		})
	}
	group.Wait()
	slices.Sort(answers)
	if answers[0] != "" || answers[1] != fault.Unauthenticated || answers[19] != fault.Unauthenticated || w.certificates(t, "order") != 1 {
		t.Errorf("answers %q and %d certificates, want one", answers, w.certificates(t, "order"))
	}
}

func notJoining(t *testing.T, w world) {
	good := w.joinToken(t, "order")
	workload, rest, _ := strings.Cut(good.Reveal(), ".")
	words, fingerprint, _ := strings.Cut(rest, ".")
	request := requestFor(t, callee("order"))
	for what, token := range map[string]string{
		"none": "", "garbage": "x", "dots": "..", "no words": workload + ".." + fingerprint, "other words": workload + "." + words[1:] + "A." + fingerprint,
		"another workload's name": "inventory." + rest, "nobody's name": "." + rest, "lower case": strings.ToLower(good.Reveal()),
		"quotes": workload + ".' OR '1'='1." + fingerprint, "long": workload + "." + strings.Repeat("A", 1<<13) + "." + fingerprint,
	} {
		_, err := w.enrol(t, secret.Text(token), request)
		mustFail(t, what, err, fault.Unauthenticated)
	}
	_, err := w.enrol(t, secret.Text("inventory."+rest), requestFor(t, callee("inventory")))
	mustFail(t, "another workload's, with its own request", err, fault.Unauthenticated)
	_, err = sts.CreateJoinToken.Call(t.Context(), w.Operator, sts.WorkloadRequest{Workload: "nowhere"})
	mustFail(t, "a join token for a workload that does not exist", err, fault.NotFound)
	expired := w.joinToken(t, "order")
	w.Clock.Forward(time.Hour - time.Minute)
	if _, err := w.enrol(t, good, request); err != nil {
		t.Error("after all of that, and shortly before its end:", err)
	}
	w.Clock.Forward(time.Minute)
	_, err = w.enrol(t, expired, request)
	mustFail(t, "expired", err, fault.Unauthenticated)
}

func wrongRequest(t *testing.T, w world) {
	token := w.joinToken(t, "order")
	for what, request := range map[string][]byte{
		"another workload": requestFor(t, callee("inventory")), "another domain": requestFor(t, "spiffe://else.local/order"),
		"no identity": requestFor(t, ""), "none": nil, "garbage": []byte("request"),
	} {
		_, err := w.enrol(t, token, request)
		mustFail(t, what, err, fault.InvalidArgument)
	}
	if got := w.certificates(t, "order"); got != 0 {
		t.Errorf("%d certificates on record", got)
	}
	_, err := w.enrol(t, token, requestFor(t, callee("order")))
	mustFail(t, "the right request", err, "")
}

func removed(t *testing.T, w world) {
	request, before := requestFor(t, callee("order")), w.joinToken(t, "order")
	_, err := w.other.Renew(nobody, sts.CertificateRequest{Request: request})
	must(t, err)
	w.remove(t, "order")
	_, err = w.other.Renew(nobody, sts.CertificateRequest{Request: request})
	mustFail(t, "renewing", err, fault.PermissionDenied)
	_, err = w.enrol(t, before, request)
	mustFail(t, "a join token from before", err, fault.Unauthenticated)
	_, err = w.enrol(t, w.joinToken(t, "order"), request)
	mustFail(t, "a join token from after", err, "")
	_, err = w.other.Renew(nobody, sts.CertificateRequest{Request: request})
	mustFail(t, "renewing, after that", err, "")
}

func renewed(t *testing.T, w world) {
	for _, workload := range []string{"gateway", "order", "inventory", "sts"} {
		service := w.by(t, workload)
		answer, err := service.Renew(nobody, sts.CertificateRequest{Request: requestFor(t, callee(workload))})
		must(t, err)
		if proven, _ := w.proves(t, answer, answer.Roots); proven != workload {
			t.Errorf("%s got a certificate that proves %s", workload, proven)
		}
		for _, id := range []string{callee("nowhere"), callee("order"), callee("gateway"), ""} {
			if id == callee(workload) {
				continue
			}
			_, err := service.Renew(nobody, sts.CertificateRequest{Request: requestFor(t, id)})
			mustFail(t, workload+" as "+id, err, fault.InvalidArgument)
		}
	}
	_, err := w.by(t, rpc.Anonymous).Renew(nobody, sts.CertificateRequest{Request: requestFor(t, callee("order"))})
	mustFail(t, "a stranger", err, fault.PermissionDenied)
}

func serverCertificates(t *testing.T, w world) {
	answer, err := w.gateway.ServerCertificate(nobody, sts.CertificateRequest{Request: requestFor(t, "")})
	must(t, err)
	leaf, err := x509.ParseCertificate(answer.Chain[0])
	must(t, err)
	if life := leaf.NotAfter.Sub(w.Clock.Now()); life < 120*24*time.Hour || life > 398*24*time.Hour {
		t.Errorf("it holds for %v: scanners want 60 days at half of its life, and browsers take 398 at most", life)
	}
	if len(leaf.URIs) > 0 || !slices.Equal(leaf.DNSNames, []string{"localhost"}) || !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) {
		t.Errorf("it is for %v, %v, usage %v", leaf.URIs, leaf.DNSNames, leaf.ExtKeyUsage)
	}
	_, err = w.gateway.ServerCertificate(nobody, sts.CertificateRequest{Request: requestFor(t, callee("gateway"))})
	mustFail(t, "with an identity", err, fault.InvalidArgument)
}
