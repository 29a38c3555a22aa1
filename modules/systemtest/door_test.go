package systemtest

import (
	"crypto/tls"
	"net/url"
	"strings"
	"testing"

	"oms/modules/sts"
	"oms/modules/system"
)

const elsewhere = "https://shop.example.com"

func servedTo(public string) func(*system.Config) {
	return func(c *system.Config) { c.Server.PublicURL, c.Demo.AllowRemote = public, true }
}

// RFC 6797: a browser that came once never comes without TLS again, where the service has a name of its own.
func TestStrictTransportSecurity(t *testing.T) {
	for public, want := range map[string]string{"https://localhost:9090": "", "https://127.0.0.1:9090": "", elsewhere: "max-age=31536000"} {
		d := open(t, servedTo(public))
		for _, path := range []string{"/inventory", "/order", "/order/none", "/none", "/", "/oauth2/sign-in", "/oauth2/jwks", "/ui/orders", "/a//b"} {
			if got := d.do("GET", path).Header.Get("Strict-Transport-Security"); got != want {
				t.Errorf("%s at %s: %q, want %q", path, public, got, want)
			}
		}
	}
}

// Whoever lets everybody use the demo accounts is told so, where people sign in and in the log.
func TestExposedDemoAccountsAreTold(t *testing.T) {
	const warning, logged = "Everybody can use these accounts.", "the demo accounts, whose passwords are public, can be used from elsewhere"
	for _, shape := range []func(testing.TB, ...func(*system.Config)) *deployment{open, openSplit} {
		for public, exposed := range map[string]bool{"https://localhost:9090": false, elsewhere: true} {
			d := shape(t, servedTo(public))
			if got := strings.Contains(d.expect(d.do("GET", "/oauth2/sign-in"), 200).Body, warning); got != exposed {
				t.Errorf("the sign-in page at %s warns: %t", public, got)
			}
			if got := len(d.log(sts.Name).Lines(logged)) > 0; got != exposed {
				t.Errorf("the log at %s warns: %t", public, got)
			}
		}
		d := shape(t, servedTo(elsewhere), func(c *system.Config) { c.Demo.Enabled = false })
		if strings.Contains(d.do("GET", "/oauth2/sign-in").Body, warning) || len(d.log(sts.Name).Lines(logged)) > 0 {
			t.Error("accounts are warned of that are off")
		}
	}
}

// What a proxy or a browser keeps of a sign-in is a session for whoever comes next.
func TestNobodyKeepsASignIn(t *testing.T) {
	for _, d := range []*deployment{open(t), openSplit(t)} {
		form := setHeader("Content-Type", "application/x-www-form-urlencoded")
		session := d.signIn("alice")
		for what, got := range map[string]Reply{
			"the page":           d.expect(d.do("GET", "/oauth2/sign-in"), 200),
			"a sign-in":          d.expect(d.do("POST", "/oauth2/sign-in", form, body(url.Values{"name": {"bob"}, "password": {"bob-demo"}}.Encode())), 303),
			"a failed sign-in":   d.expect(d.do("POST", "/oauth2/sign-in", form, body(url.Values{"name": {"bob"}, "password": {"wrong"}}.Encode())), 422),
			"a foreign form":     d.expect(d.do("POST", "/oauth2/sign-in", form, setHeader("Sec-Fetch-Site", "cross-site"), body("name=bob")), 403),
			"a sign-out":         d.expect(d.do("POST", "/oauth2/logout", withCookies(session)), 303),
			"a page of a person": d.do("GET", "/ui/orders", withCookies(session)),
		} {
			if kept := got.Header.Get("Cache-Control"); kept != "no-store" {
				t.Errorf("%s: %d, Cache-Control %q", what, got.Status, kept)
			}
		}
		if got := d.expect(d.do("GET", "/oauth2/jwks"), 200).Header.Get("Cache-Control"); got != "public, max-age=300" {
			t.Errorf("the key set: Cache-Control %q", got)
		}
	}
}

// Of TLS 1.2 the public listener speaks no suite with CBC or without forward secrecy (RFC 9325 section 4.2, CVE-2013-0169).
func TestOfTLS12AuthenticatedEncryptionAlone(t *testing.T) {
	d := open(t)
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		config := &tls.Config{RootCAs: d.roots, ServerName: "localhost", MaxVersion: tls.VersionTLS12, MinVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}}
		if suite.SupportedVersions[len(suite.SupportedVersions)-1] != tls.VersionTLS12 {
			continue // of TLS 1.3, which has no others
		}
		conn, err := tls.Dial("tcp", d.address, config)
		if err == nil {
			_ = conn.Close()
		}
		wanted := strings.HasPrefix(suite.Name, "TLS_ECDHE_ECDSA_") && (strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "POLY1305"))
		if wanted != (err == nil) { // its certificate is of ECDSA, so that suites of RSA have none
			t.Errorf("%s: %v", suite.Name, err)
		}
	}
}
