package ststest

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/pki"
)

var rootTests = map[string]func(*testing.T, world){
	"a private root is announced, signs, and retires": func(t *testing.T, w world) { root(t, w, sts.RootOfWorkloads) },
	"a public root is announced, signs, and retires":  func(t *testing.T, w world) { root(t, w, sts.RootOfPublic) },
	"both roots are replaced together, or neither":    bothRoots,
	"a root is for its names alone":                   constrained,
}

// states are those of the roots for a purpose, by id.
func (w world) roots(t *testing.T, purpose string) map[string]string {
	t.Helper()
	states := map[string]string{}
	for _, r := range w.listed(t).Roots {
		if r.Purpose == purpose {
			states[r.ID] = string(r.State)
		}
	}
	return states
}

// publishedRoots are what the feed says of the roots for a purpose.
func (w world) publishedRoots(t *testing.T, purpose string) []*x509.Certificate {
	t.Helper()
	domain, text := Domain, w.feed(t).Roots
	if purpose == sts.RootOfPublic {
		domain, text = "", w.feed(t).PublicRoots
	}
	published, err := pki.ParseRoots(domain, []byte(text))
	must(t, err)
	return published.Certificates()
}

func (w world) mustBeRoots(t *testing.T, when, purpose string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, w.roots(t, purpose)); diff != "" {
		t.Errorf("%s: the roots for %s are (-want +got): %s", when, purpose, diff)
	}
	published := w.publishedRoots(t, purpose)
	for _, root := range published {
		if want[pki.Fingerprint(root)] == "" {
			t.Errorf("%s: %s is published for %s", when, pki.Fingerprint(root), purpose)
		}
	}
	if len(published) != len(want) {
		t.Errorf("%s: %d roots are published for %s", when, len(published), purpose)
	}
	if signing := w.feed(t).PublicRoot; purpose == sts.RootOfPublic && want[signing] != "active" {
		t.Errorf("%s: the feed says that %s signs, of %v", when, signing, want)
	}
}

// issue gives a certificate of a purpose, and the root that has signed it. Clients that trust what is published accept it.
func (w world) issue(t *testing.T, purpose string) (certificate sts.Certificate, leaf, root *x509.Certificate) {
	t.Helper()
	var err error
	if purpose == sts.RootOfPublic {
		certificate, err = w.gateway.ServerCertificate(nobody, sts.CertificateRequest{Request: requestFor(t, "")})
	} else {
		certificate, err = w.other.Renew(nobody, sts.CertificateRequest{Request: requestFor(t, callee("order"))})
	}
	must(t, err)
	leaf, err = x509.ParseCertificate(certificate.Chain[0])
	must(t, err)
	root, err = x509.ParseCertificate(certificate.Chain[1])
	must(t, err)
	w.mustHold(t, purpose, certificate)
	return certificate, leaf, root
}

// mustHold says that a certificate proves to whoever trusts what is published what it is for.
func (w world) mustHold(t *testing.T, purpose string, certificate sts.Certificate) {
	t.Helper()
	if purpose == sts.RootOfWorkloads {
		w.proves(t, certificate, w.feed(t).Roots)
		return
	}
	leaf, err := x509.ParseCertificate(certificate.Chain[0])
	must(t, err)
	pool := x509.NewCertPool()
	for _, root := range w.publishedRoots(t, purpose) {
		pool.AddCert(root)
	}
	for _, host := range PublicHosts() {
		_, err = leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: host, CurrentTime: w.Clock.Now()})
		must(t, err)
	}
}

func (w world) rotateRoot(t *testing.T, purpose string) (sts.Roots, error) {
	t.Helper()
	return sts.RotateRoot.Call(t.Context(), w.Operator, sts.RotateRootRequest{Purpose: purpose, Announcement: Announcement, Overlap: Overlap})
}

func root(t *testing.T, w world, purpose string) {
	other := map[string]string{sts.RootOfPublic: sts.RootOfWorkloads, sts.RootOfWorkloads: sts.RootOfPublic}[purpose]
	untouched := w.roots(t, other)
	before, _, one := w.issue(t, purpose)
	first := pki.Fingerprint(one)
	w.mustBeRoots(t, "at the start", purpose, map[string]string{first: "active"})
	due := w.feed(t).RenewBefore
	var next sts.SigningKey
	feed := w.mustChange(t, "a rotation", func() {
		rotated, err := w.rotateRoot(t, purpose)
		must(t, err)
		if len(rotated.Roots) != 1 {
			t.Fatalf("%d roots are rotated", len(rotated.Roots))
		}
		next = rotated.Roots[0]
	})
	w.mustBeRoots(t, "announced", purpose, map[string]string{first: "active", next.ID: "next"})
	if diff := cmp.Diff(due, feed.RenewBefore); diff != "" {
		t.Error("certificates are to be renewed before there is a reason (-want +got):", diff)
	}
	if _, _, by := w.issue(t, purpose); pki.Fingerprint(by) != first {
		t.Error("the next root signs before everybody can know it")
	}
	if purpose == sts.RootOfWorkloads && !strings.HasSuffix(w.joinToken(t, "order").Reveal(), first) {
		t.Error("a join token carries another root than the one that signs")
	}
	_, err := w.rotateRoot(t, purpose)
	mustFail(t, "a second rotation, while one is under way", err, fault.Conflict)
	feed = w.mustChange(t, "the next root's begin", func() { w.Clock.Forward(Announcement) })
	w.mustBeRoots(t, "in use", purpose, map[string]string{first: "retired", next.ID: "active"})
	if _, _, by := w.issue(t, purpose); pki.Fingerprint(by) != next.ID {
		t.Error("the old root still signs")
	}
	if purpose == sts.RootOfWorkloads {
		mustRenew(t, feed, next.Activates)
	}
	w.mustHold(t, purpose, before) // what it has signed still holds
	w.mustChange(t, "the end of a root", func() { w.Clock.Forward(Overlap) })
	w.mustBeRoots(t, "at the end", purpose, map[string]string{next.ID: "active"})
	w.mustBeRoots(t, "at the end", other, untouched)
}

// mustRenew says that every workload renews what is from before a time.
func mustRenew(t *testing.T, feed sts.Feed, before time.Time) {
	t.Helper()
	for _, workload := range []string{"gateway", "sts", "order", "inventory"} {
		if at := feed.RenewBefore[workload]; !at.Equal(before.Truncate(time.Millisecond)) {
			t.Errorf("%s renews what is from before %v, want %v", workload, at, before)
		}
	}
}

func bothRoots(t *testing.T, w world) {
	rotated, err := w.rotateRoot(t, "")
	must(t, err)
	if len(rotated.Roots) != 2 || rotated.Roots[0].Purpose != sts.RootOfWorkloads || rotated.Roots[1].Purpose != sts.RootOfPublic {
		t.Errorf("rotated are %v", rotated.Roots)
	}
	w.Clock.Forward(Announcement)
	_, err = w.rotateRoot(t, sts.RootOfPublic)
	must(t, err)
	before := w.roots(t, sts.RootOfWorkloads)
	_, err = w.rotateRoot(t, "")
	mustFail(t, "both, while one is under way", err, fault.Conflict)
	if diff := cmp.Diff(before, w.roots(t, sts.RootOfWorkloads)); diff != "" {
		t.Error("a rotation of both that was refused has rotated one (-want +got):", diff)
	}
	_, err = w.rotateRoot(t, "tokens")
	mustFail(t, "a root that there is not", err, fault.InvalidArgument)
}

// mustBeFor says what a root may sign for. Package pki tests what that means to those who verify.
func mustBeFor(t *testing.T, purpose string, root *x509.Certificate) {
	t.Helper()
	if purpose == sts.RootOfPublic {
		if len(root.URIs) > 0 || !slices.Equal(root.PermittedDNSDomains, []string{"localhost"}) || len(root.PermittedIPRanges) != 1 || root.PermittedIPRanges[0].String() != "127.0.0.1/32" {
			t.Errorf("the public root %s is for %v %v", root.URIs, root.PermittedDNSDomains, root.PermittedIPRanges)
		}
		return
	}
	if !slices.Equal(root.PermittedURIDomains, []string{Domain}) || len(root.PermittedDNSDomains)+len(root.PermittedIPRanges) > 0 || !slices.Equal(root.ExcludedDNSDomains, []string{""}) {
		t.Errorf("the private root is for %v %v %v", root.PermittedURIDomains, root.PermittedDNSDomains, root.PermittedIPRanges)
	}
}

func constrained(t *testing.T, w world) {
	_, _, workloads := w.issue(t, sts.RootOfWorkloads)
	mustBeFor(t, sts.RootOfWorkloads, workloads)
	certificate, leaf, public := w.issue(t, sts.RootOfPublic)
	mustBeFor(t, sts.RootOfPublic, public)
	if _, err := pki.ParseRoots(Domain, []byte(certificate.Roots)); err == nil {
		t.Error("the root of the public listener is one of workloads")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(w.feed(t).Roots))
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: w.Clock.Now()}); err == nil {
		t.Error("workloads trust the root that people import")
	}
}

// upgraded follows the rotation by which the root of an earlier version is replaced.
func upgraded(t *testing.T, w world) {
	before := map[string]sts.Certificate{}
	old, next := "", map[string]string{}
	for _, purpose := range []string{sts.RootOfWorkloads, sts.RootOfPublic} {
		certificate, _, by := w.issue(t, purpose)
		before[purpose], old = certificate, pki.Fingerprint(by)
		if len(by.PermittedURIDomains)+len(by.PermittedDNSDomains) > 0 {
			t.Errorf("the next root for %s signs before everybody can know it", purpose)
		}
		for id, state := range w.roots(t, purpose) {
			if state == "next" {
				next[purpose] = id
			}
		}
		w.mustBeRoots(t, "announced", purpose, map[string]string{old: "active", next[purpose]: "next"})
	}
	w.Clock.Forward(Announcement)
	for purpose := range before {
		w.mustBeRoots(t, "in use", purpose, map[string]string{old: "retired", next[purpose]: "active"})
		_, _, by := w.issue(t, purpose)
		mustBeFor(t, purpose, by)
		w.mustHold(t, purpose, before[purpose])
	}
	w.Clock.Forward(Overlap)
	for purpose := range before {
		w.mustBeRoots(t, "at the end", purpose, map[string]string{next[purpose]: "active"})
	}
}
