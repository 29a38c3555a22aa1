package systemtest

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"oms/modules"
)

// A connection that was opened in time outlives what its certificate is worth, and is of no use then.
func TestAKeptConnectionIsWorthWhatItsCertificateIs(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]func(d *deployment){
		"the certificate expires": func(*deployment) {},
		"the root is replaced": func(d *deployment) {
			d.rotateRoot(2*time.Second, 2*time.Second)
		},
		"the workload is removed": func(d *deployment) {
			d.removeWorkload("order")
		},
	} {
		t.Run(what, func(t *testing.T) {
			d := openSplit(t)
			certificate := d.certificateOf("order")
			if strings.HasSuffix(what, "expires") {
				certificate = d.issueCertificate(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(3 * time.Second) })
			}
			at := map[string]*caller{}
			for _, module := range callees() {
				at[module] = d.callerWith(module, certificate)
			}
			ask := map[string]string{} // any operation
			for _, m := range modules.All {
				if !m.Public {
					ask[m.Name] = m.OperationsIn(modules.All)[0].Row().Name
				}
			}
			const over = "The certificate of the connection is not accepted"
			for module, p := range at {
				if got := p.send(ask[module], "{}"); strings.Contains(strings.ToLower(got.Body), strings.ToLower(over)) {
					t.Fatalf("%s, before: %d %s", module, got.Status, got.Body)
				}
			}
			end(d)
			for module, p := range at {
				if module == "order" && strings.HasSuffix(what, "removed") {
					continue // whoever is removed hears nothing any more, also not about itself
				}
				if !eventually(func() bool {
					got, err := p.try(ask[module], "{}")
					return err == nil && got.Status == 401 && strings.Contains(strings.ToLower(got.Body), strings.ToLower(over))
				}) {
					t.Errorf("%s still serves the connection", module)
				}
				d.expectLogged(module, "level=WARN", "the peer's certificate is not accepted")
				if _, err := d.callerWith(module, certificate).try(ask[module], "{}"); err == nil {
					t.Errorf("%s opens another connection", module)
				}
			}
		})
	}
}
