package systemtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// run runs a program and gives all that it said.
func (d *deployment) run(input, program string, args ...string) (said string, err error) {
	ctx, cancel := context.WithTimeout(d.Context(), 20*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	command.Stdin = strings.NewReader(input)
	text, err := command.CombinedOutput()
	return string(text), err
}

// refusedCertificate is a certificate that must not get into a module's listener.
type refusedCertificate struct {
	name        string
	certificate *tls.Certificate
	why         string // what the log says
}

// refusedCertificates are those who must not come in, although some of them were signed by the installation's own root.
func (d *deployment) refusedCertificates() []refusedCertificate {
	d.Helper()
	domain := d.config.Trust.Domain
	foreign := signCertificate(d, domain, nil, nil, func(c *x509.Certificate) {
		c.URIs, c.IsCA, c.KeyUsage = []*url.URL{{Scheme: "spiffe", Host: domain}}, true, x509.KeyUsageCertSign
	})
	foreignRoot, foreignKey := foreign.Leaf, privateKey(d, foreign)
	return []refusedCertificate{
		{"self-signed with the right name", signCertificate(d, domain, nil, nil, nil), "is not signed by a root"},
		{"another installation's", signCertificate(d, domain, foreignRoot, foreignKey, nil), "is not signed by a root"},
		{"expired", d.issueCertificate(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(-time.Minute)
		}), "has expired"},
		{"two names", d.issueCertificate(func(c *x509.Certificate) {
			c.URIs = append(c.URIs, &url.URL{Scheme: "spiffe", Host: domain, Path: "/gateway"})
		}), "it has 2 names"},
		{"for servers only", d.issueCertificate(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }), "is not for this side of a connection"},
		{"of the public listener", d.certificateOf("public"), "is not signed by a root"},
	}
}

func TestToolsAreRefusedAtTheListenersOfModules(t *testing.T) {
	openssl, curl := RequireInstalled(t, "openssl", "openssl"), RequireInstalled(t, "curl", "curl")
	d := openSplit(t)
	refused := func(what, said string, err error) { // curl may find the connection closed before it has read why
		t.Helper()
		if err == nil || strings.Contains(said, "HTTP/") || strings.HasPrefix(what, "openssl") && !strings.Contains(said, "SSL alert number") {
			t.Errorf("%s: %v\n%s", what, err, said)
		}
	}
	const request = "GET /rpc/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for _, module := range callees() {
		for _, c := range d.refusedCertificates() {
			cert, key := certificateFiles(t, c.certificate)
			before := len(d.log(module).Lines("a connection was refused", c.why))
			said, err := d.run(request, openssl, "s_client", "-ign_eof", "-connect", d.addressOf(module), "-cert", cert, "-cert_chain", cert, "-key", key)
			refused("openssl, "+module+", "+c.name, said, err)
			said, err = d.run("", curl, "-sSik", "--max-time", "10", "--cert", cert, "--key", key, "https://"+d.addressOf(module)+"/rpc/")
			refused("curl, "+module+", "+c.name, said, err)
			if after := len(d.log(module).Lines("level=WARN", "a connection was refused", "from=127.0.0.1:", c.why)); after != before+2 {
				t.Errorf("%s, %s: %d lines of the log, want %d", module, c.name, after, before+2)
			}
		}
		cert, key := certificateFiles(t, d.certificateOf("order"))
		said, err := d.run(request, openssl, "s_client", "-ign_eof", "-tls1_2", "-connect", d.addressOf(module), "-cert", cert, "-key", key)
		refused("openssl, TLS 1.2, "+module, said, err)
		d.expectLogged(module, "a connection was refused", "the client does not speak TLS 1.3")

		// The handshake of somebody who may come in says what the others were refused for: nothing else was wrong.
		resumed := filepath.Join(t.TempDir(), "session.pem")
		said, err = d.run(request, openssl, "s_client", "-ign_eof", "-connect", d.addressOf(module), "-cert", cert, "-key", key, "-sess_out", resumed)
		if err != nil || !strings.Contains(said, "HTTP/1.1 ") || !strings.Contains(said, "New, TLSv1.3") {
			t.Errorf("%s: the right certificate: %v\n%s", module, err, said)
		}
		if _, err := os.Stat(resumed); err == nil || strings.Contains(said, "Post-Handshake New Session Ticket") {
			t.Errorf("%s: there is a session to resume: %s", module, said)
		}
	}
	for _, module := range []string{"inventory", "order"} {
		said, err := d.run(request, openssl, "s_client", "-ign_eof", "-connect", d.addressOf(module))
		refused("openssl, no certificate, "+module, said, err)
		said, err = d.run("", curl, "-sSik", "--max-time", "10", "https://"+d.addressOf(module)+"/rpc/")
		refused("curl without a certificate, "+module, said, err)
		d.expectLogged(module, "a connection was refused", "no certificate was presented")
	}
}
