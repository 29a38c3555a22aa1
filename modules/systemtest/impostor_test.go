package systemtest

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"
)

func TestAnImpostorIsToldNothing(t *testing.T) {
	for what, c := range map[string]struct {
		certificate func(*deployment) *tls.Certificate
		why         string
	}{
		"another module":      {func(d *deployment) *tls.Certificate { return d.certificateOf("order") }, "inventory was called and order answered"},
		"the public listener": {func(d *deployment) *tls.Certificate { return d.certificateOf("public") }, "inventory could not prove itself"},
		"a self-signed one": {func(d *deployment) *tls.Certificate {
			return signCertificate(d, d.config.Trust.Domain, nil, nil, withName("inventory"))
		}, "is not signed by a root"},
		"one that is for clients only": {func(d *deployment) *tls.Certificate {
			return d.issueCertificate(func(c *x509.Certificate) { withName("inventory")(c); c.ExtKeyUsage = c.ExtKeyUsage[:1] })
		}, "not for this side"},
		"one whose certificate is over": {func(d *deployment) *tls.Certificate {
			return d.issueCertificate(func(c *x509.Certificate) { withName("inventory")(c); c.NotAfter = time.Now().Add(-time.Second) })
		}, "has expired"},
	} {
		t.Run(what, func(t *testing.T) {
			d := openSplit(t)
			d.stop("inventory")
			_, told := d.impersonate(d.addressOf("inventory"), c.certificate(d))
			if got := d.do("POST", "/order", bearer(d.token("alice")), body(orderBody("robbed"))); got.Status != 503 {
				t.Errorf("%d %s", got.Status, got.Body)
			}
			d.expectLogged("order", "level=WARN", "calls to a module fail", c.why)
			if told.Load() != 0 {
				t.Errorf("the impostor was told %d requests", told.Load())
			}
		})
	}
}
