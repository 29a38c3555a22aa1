package systemtest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What clients in the field really send, and the standards allow, is understood.
func TestSpacesBeforeAToken(t *testing.T) {
	d := open(t)
	token := d.token("alice")
	for _, sent := range []string{"Bearer " + token, "Bearer  " + token, "bearer     " + token} {
		if got := d.do("GET", "/order", header("Authorization", sent)); got.Status != http.StatusOK {
			t.Errorf("%.12q: %d %s", sent, got.Status, got.Body)
		}
	}
	for _, sent := range []string{"Bearer", "Bearer ", "Bearer   ", "Bearer\t" + token, token} {
		if got := d.do("GET", "/order", header("Authorization", sent)); got.Status != http.StatusUnauthorized {
			t.Errorf("%.12q: %d %s", sent, got.Status, got.Body)
		}
	}
}

// A client of HTTP/1.0 offers no other protocol (curl --http1.0).
func TestClientsOfHTTP10AreServed(t *testing.T) {
	d := open(t)
	for _, offered := range [][]string{{"http/1.0"}, {"http/1.0", "http/1.1"}, {"http/1.1"}, nil} {
		connection, err := tls.Dial("tcp", d.address, &tls.Config{RootCAs: d.roots, ServerName: "localhost", NextProtos: offered})
		if err != nil {
			t.Errorf("%v: %v", offered, err)
			continue
		}
		fmt.Fprint(connection, "GET /inventory HTTP/1.0\r\nHost: localhost\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil || answer.StatusCode != http.StatusOK || !answer.Close {
			t.Errorf("%v: %v, %v", offered, answer, err)
		}
		if err == nil {
			_ = answer.Body.Close()
		}
		_ = connection.Close()
	}
	if connection, err := tls.Dial("tcp", d.address, &tls.Config{RootCAs: d.roots, ServerName: "localhost", NextProtos: []string{"imap"}}); err == nil {
		_ = connection.Close()
		t.Error("a client that speaks something else is let in (RFC 7301 section 3.2, ALPACA)")
	}
}

// A proxy in front may put its own name into Host: a form of the public URL is ours all the same, also in a browser without
// Fetch Metadata, and one of another site is not.
func TestFormsBehindAProxyThatRewritesHost(t *testing.T) {
	d := open(t)
	behind := func(r *http.Request) { r.Host = "backend.internal:8443" }
	form := func(path, origin string, more ...option) Reply {
		return d.do("POST", path, append([]option{behind, header("Origin", origin), header("Content-Type", "application/x-www-form-urlencoded"), body("name=bob&password=bob-demo")}, more...)...)
	}
	if got := form("/oauth2/sign-in", d.config.Server.PublicURL); got.Status != http.StatusSeeOther {
		t.Errorf("a form of the public URL: %d %.200s", got.Status, got.Body)
	}
	if got := form("/ui/basket/add", d.config.Server.PublicURL); got.Status == http.StatusForbidden {
		t.Errorf("a form of the public URL: %d %.200s", got.Status, got.Body)
	}
	for _, path := range []string{"/oauth2/sign-in", "/ui/basket/add"} {
		for _, origin := range []string{"https://evil.example.com", "null", strings.Replace(d.config.Server.PublicURL, "https", "http", 1)} {
			if got := form(path, origin); got.Status != http.StatusForbidden {
				t.Errorf("%s of %s: %d %.200s", path, origin, got.Status, got.Body)
			}
		}
	}
}

// People type paths.
func TestTheWayToThePages(t *testing.T) {
	d := open(t)
	for _, path := range []string{"/", "/ui", "/ui?from=here"} {
		if got := d.do("GET", path, header("Accept", "text/html")); got.Status != http.StatusSeeOther || got.Header.Get("Location") != "/ui/" {
			t.Errorf("%s: %d %v", path, got.Status, got.Header)
		}
	}
}
