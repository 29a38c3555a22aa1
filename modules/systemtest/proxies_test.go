package systemtest

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"oms/modules/system"
)

// behindProxy trusts 127.0.0.1 as a proxy, and nobody else.
func behindProxy(c *system.Config) { c.Server.TrustedProxies = []string{"127.0.0.1"} }

func TestProxiesAreBelievedWhereTheyAreConfigured(t *testing.T) {
	d := open(t, behindProxy)
	stranger := d.newClient(ClientOptions{HTTP2: true, From: net.IPv4(127, 0, 0, 2)})
	for route, c := range map[string]struct {
		client       *http.Client
		header, from string
		want         string
	}{
		"/order/a": {d.http2, "X-Forwarded-For", "6.6.6.6, 198.51.100.7", "address=198.51.100.7:0 "},
		"/order/b": {d.http1, "Forwarded", `for=6.6.6.6, for="[2001:db8::7]:80"`, "address=[2001:db8::7]:0 "},
		"/order/c": {d.http2, "X-Forwarded-For", "198.51.100.7, nonsense", "address=127.0.0.1:"},
		"/order/d": {stranger, "X-Forwarded-For", "198.51.100.7", "address=127.0.0.2:"},
		"/order/e": {stranger, "Forwarded", "for=198.51.100.7", "address=127.0.0.2:"},
		"/order/f": {d.http2, "X-Real-IP", "198.51.100.7", "address=127.0.0.1:"},
	} {
		trace := d.doWith(c.client, "GET", route, header(c.header, c.from)).Header.Get("X-Trace-Id")
		d.expectLogged("gateway", "msg=request", "trace_id="+trace, c.want)
	}
}

func TestWithoutConfiguredProxiesNobodyIsBelieved(t *testing.T) {
	d := open(t)
	for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
		trace := d.do("GET", "/order/x", header(name, "for=198.51.100.7"), header("X-Forwarded-For", "198.51.100.7")).Header.Get("X-Trace-Id")
		d.expectLogged("gateway", "msg=request", "trace_id="+trace, "address=127.0.0.1:")
	}
}

// The STS throttles by the client's address, wherever it runs.
func TestTheSTSHearsOfTheClientBehindAProxy(t *testing.T) {
	d := openSplit(t, behindProxy)
	arrived := make(chan string, 100)
	d.stop("sts")
	d.answerAt(d.addressOf("sts"), d.certificateOf("sts"), func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/rpc/") { // the gateway follows the feed
			arrived <- r.Header.Get("Client-Address")
		}
		w.WriteHeader(http.StatusTeapot)
	})
	d.do("GET", "/oauth2/sign-in", header("X-Forwarded-For", "6.6.6.6, 198.51.100.7"), header("Client-Address", "6.6.6.6:1"))
	if got := <-arrived; got != "198.51.100.7:0" {
		t.Errorf("the STS hears of %s", got)
	}
}
