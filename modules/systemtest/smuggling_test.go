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
	// net/http goes by the chunks where both are said, as RFC 9112 section 6.3 allows; what matters is the close.
	for _, both := range []string{"", "Content-Length: 4\r\n"} {
		text := head + both + "Transfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(order)), 16) + "\r\n" + order + "\r\n0\r\n\r\n" + hidden
		if got := d.sendRaw(text); len(got) != 1 || got[0].Status != 201 {
			t.Errorf("chunks with %q: %+v", both, got)
		}
	}
	for name, c := range map[string]struct {
		request string
		answers string // the statuses that may come
	}{
		"CL and TE":                 {head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, "400"},
		"TE and CL":                 {head + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + hidden, "400"},
		"chunked alone":             {head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, "400"},
		"two lengths":               {head + length + "Content-Length: 0\r\n\r\n" + order + hidden, "400"},
		"two lengths in one":        {head + "Content-Length: 0, 5\r\n\r\n" + hidden, "400"},
		"length with a sign":        {head + "Content-Length: +5\r\n\r\nhello" + hidden, "400"},
		"length is negative":        {head + "Content-Length: -1\r\n\r\n" + hidden, "400"},
		"length is hexadecimal":     {head + "Content-Length: 0x5\r\n\r\nhello" + hidden, "400"},
		"length is empty":           {head + "Content-Length:\r\n\r\n" + hidden, "400"},
		"TE twice":                  {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden, "400 501"},
		"TE unknown":                {head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden, "400 501"},
		"TE list":                   {head + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + hidden, "400 501"},
		"TE with a tab":             {head + "Transfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\n" + hidden, "400 501"},
		"space before the colon":    {head + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden, "400"},
		"folded line":               {head + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + hidden, "400 501"},
		"bare LF in a chunk":        {head + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n" + hidden, "400"},
		"LF in a chunk's extension": {head + "Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n" + hidden, "400"},
		"chunk length too long":     {head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n" + hidden, "400"},
		"bare CR in a name":         {head + "X\rY: z\r\n\r\n" + hidden, "400"},
		"NUL in a value":            {head + "X: a\x00b\r\n\r\n" + hidden, "400"},
		"no host":                   {"GET /inventory HTTP/1.1\r\n\r\n" + hidden, "400"},
		"two hosts":                 {"GET /inventory HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + hidden, "400"},
		"HTTP/0.9":                  {"GET /inventory\r\n\r\n" + hidden, "400"},
		"HTTP/1.2 version":          {"GET /inventory HTTP/11.1\r\nHost: a\r\n\r\n" + hidden, "400 505"},
	} {
		got := d.sendRaw(c.request)
		if len(got) != 1 || !strings.Contains(c.answers, strconv.Itoa(got[0].Status)) {
			t.Errorf("%s: %d answers, the first %+v", name, len(got), got)
		}
	}
	d.expectProblem(d.do("GET", "/order/refused"), 404, "not_found")
}
