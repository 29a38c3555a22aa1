package systemtest

import (
	"strconv"
	"strings"
	"testing"
)

// RFC 9112 sections 6.1, 6.3 and 11.2 (request smuggling), CVE-2025-22871 (a bare LF in a chunk's length). A hidden
// second request would be the answer of another user of the same connection; so there is at most one answer, and then
// the connection is closed.
func TestRequestSmuggling(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	hidden := "GET /inventory HTTP/1.1\r\nHost: localhost\r\n\r\n"
	order := orderBody("plain")
	head := "POST /order HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + alice + "\r\nContent-Type: application/json\r\n"
	length := "Content-Length: " + strconv.Itoa(len(order)) + "\r\n"
	closing := strings.Replace(hidden, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)

	if got := d.sendRaw(head + length + "\r\n" + order + closing); len(got) != 2 || got[0].Status != 201 || got[1].Status != 200 {
		t.Fatalf("two honest requests: %+v", got)
	}
	chunks := strconv.FormatInt(int64(len(order)), 16) + "\r\n" + order + "\r\n0\r\n\r\n"
	if got := d.sendRaw(head + "Transfer-Encoding: chunked\r\n\r\n" + chunks + hidden); len(got) != 1 || got[0].Status != 201 {
		t.Errorf("chunks: %+v", got)
	}
	old := strings.Replace(head, "HTTP/1.1", "HTTP/1.0", 1)
	if got := d.sendRaw(old + "Connection: keep-alive\r\n" + length + "\r\n" + order + hidden); len(got) != 1 || got[0].Status != 201 {
		t.Errorf("HTTP/1.0 with keep-alive: %+v", got)
	}
	for name, request := range map[string]string{
		"CL and chunks that hold":   head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + hidden,
		"TE in HTTP/1.0":            old + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + hidden,
		"CL and TE in HTTP/1.0":     old + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunks + hidden,
		"two equal lengths":         head + length + length + "\r\n" + order + hidden,
		"bare LF in the head":       strings.ReplaceAll(head+length+"\r\n", "\r\n", "\n") + order + hidden,
		"bare LF behind the head":   head + length + "\n" + order + hidden,
		"folded value":              head + "X: a\r\n b\r\n" + length + "\r\n" + order + hidden,
		"folded with a tab":         head + "X: a\r\n\tb\r\n" + length + "\r\n" + order + hidden,
		"space behind a name":       head + "X : a\r\n" + length + "\r\n" + order + hidden,
		"no name":                   head + ": a\r\n" + length + "\r\n" + order + hidden,
		"an empty line first":       "\r\n" + head + length + "\r\n" + order + hidden,
		"chunks in other letters":   head + "Transfer-Encoding: CHUNKED\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + hidden,
		"preface of HTTP/2":         "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden,
		"CL and TE":                 head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"TE and CL":                 head + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + hidden,
		"chunked alone":             head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"two lengths":               head + length + "Content-Length: 0\r\n\r\n" + order + hidden,
		"two lengths in one":        head + "Content-Length: 0, 5\r\n\r\n" + hidden,
		"length with a sign":        head + "Content-Length: +5\r\n\r\nhello" + hidden,
		"length is negative":        head + "Content-Length: -1\r\n\r\n" + hidden,
		"length is hexadecimal":     head + "Content-Length: 0x5\r\n\r\nhello" + hidden,
		"length is empty":           head + "Content-Length:\r\n\r\n" + hidden,
		"TE twice":                  head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"TE unknown":                head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"TE list":                   head + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + hidden,
		"TE with a tab":             head + "Transfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\n" + hidden,
		"space before the colon":    head + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
		"folded line":               head + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + hidden,
		"bare LF in a chunk":        head + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n" + hidden,
		"LF in a chunk's extension": head + "Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n" + hidden,
		"chunk length too long":     head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n" + hidden,
		"bare CR in a name":         head + "X\rY: z\r\n\r\n" + hidden,
		"NUL in a value":            head + "X: a\x00b\r\n\r\n" + hidden,
		"no host":                   "GET /inventory HTTP/1.1\r\n\r\n" + hidden,
		"two hosts":                 "GET /inventory HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + hidden,
		"HTTP/0.9":                  "GET /inventory\r\n\r\n" + hidden,
		"HTTP/1.2 version":          "GET /inventory HTTP/11.1\r\nHost: a\r\n\r\n" + hidden,
	} {
		if got := d.sendRaw(request); len(got) != 1 || got[0].Status != 400 {
			t.Errorf("%s: %d answers, the first %+v", name, len(got), got)
		}
	}
	d.expectProblem(d.do("GET", "/order/refused"), 404, "not_found")
}
