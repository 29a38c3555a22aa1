package systemtest

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Who forgets the s of https is sent on, and hears it from whatever the request looks like.
func TestWhoComesWithoutTLSIsSentOn(t *testing.T) {
	d := openSplit(t)
	for request, target := range map[string]string{
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n":                                                  "/",
		"GET /ui/orders?a=b&c=%20 HTTP/1.1\r\nHost: localhost\r\n\r\n":                               "/ui/orders?a=b&c=%20",
		"POST /order HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}":                     "/order",
		"GET /x HTTP/1.1\r\nHost: evil.example\r\nCookie: " + strings.Repeat("c", 8000) + "\r\n\r\n": "/x",
		"GET //evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n":                                    "//evil.example/", // a path, behind our name
		"GET /a\tb HTTP/1.1\r\nHost: localhost\r\n\r\n":                                              "/",
		"GET /\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n":                                          "/",
		"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n":                                               "/",
		"GET /no-version\r\n\r\n":                                                                    "/",
		"GET /" + strings.Repeat("l", 6000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n":                 "/",
	} {
		answer := plainly(t, d.address, request)
		if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusPermanentRedirect || got != d.config.PublicURL()+target {
			t.Errorf("%.60q: %d to %q", request, answer.StatusCode, got)
		}
	}
	if answer := plainly(t, d.addressOf("order"), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
		t.Errorf("a module's listener answers %d", answer.StatusCode)
	}
}

// plainly sends a request without TLS.
func plainly(t *testing.T, address, request string) *http.Response {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", request, err)
	}
	_ = answer.Body.Close()
	return answer
}
