package framing

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

const second = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n"

// heads are whole requests, and why they are not passed on whole.
var heads = []struct {
	name, text string
	why        problem
}{
	{"no body", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", fine},
	{"a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab\ncd", fine},
	{"a body that looks like a request", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nGET / \n\n\n", fine},
	{"a length of nothing", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", fine},
	{"a length with zeros before it", "POST / HTTP/1.1\r\nContent-Length: 0002\r\n\r\nab", fine},
	{"spaces around a length", "POST / HTTP/1.1\r\ncontent-LENGTH: \t 2 \t\r\n\r\nab", fine},
	{"no space before a length", "POST / HTTP/1.1\r\nContent-Length:2\r\n\r\nab", fine},
	{"names that begin as one that counts", "GET / HTTP/1.1\r\nContent-Lengthy: x\r\nTransfer-Encodings: y\r\nTransfer-Encoding-: z\r\n\r\n", fine},
	{"an empty value", "GET / HTTP/1.1\r\nX:\r\n\r\n", fine},
	{"text above ASCII in a value", "GET / HTTP/1.1\r\nX: \xc3\xa9\t\xff\r\n\r\n", fine},
	{"as many lines as there may be", "GET / HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", maxFields) + "\r\n", fine},

	{"one line too many", "GET / HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", maxFields+1) + "\r\n", tooManyFields},
	{"an empty line first", "\r\nGET / HTTP/1.1\r\n\r\n", badRequestLine},
	{"an LF first", "\nGET / HTTP/1.1\r\n\r\n", badRequestLine},
	{"no version", "GET /\r\n\r\n", badRequestLine},
	{"no target", "GET  HTTP/1.1\r\n\r\n", badRequestLine},
	{"two spaces before the target", "GET  / HTTP/1.1\r\n\r\n", badRequestLine},
	{"two spaces before the version", "GET /  HTTP/1.1\r\n\r\n", badRequestLine},
	{"a space behind the version", "GET / HTTP/1.1 \r\n\r\n", badLineEnd},
	{"a space in the target", "GET /a b HTTP/1.1\r\n\r\n", badRequestLine},
	{"a tab in the request line", "GET\t/ HTTP/1.1\r\n\r\n", badRequestLine},
	{"a control character in the target", "GET /\x01 HTTP/1.1\r\n\r\n", badRequestLine},
	{"a colon in the method", "GE:T / HTTP/1.1\r\n\r\n", badRequestLine},
	{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", badRequestLine},
	{"HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", badRequestLine},
	{"HTTP/1.10", "GET / HTTP/1.10\r\n\r\n", badLineEnd},
	{"HTTP/0.9", "GET / HTTP/0.9\r\n\r\n", badRequestLine},
	{"a version in lower case", "GET / http/1.1\r\n\r\n", badRequestLine},
	{"LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", badLineEnd},
	{"LF behind a header line", "GET / HTTP/1.1\r\nHost: a\n\r\n", badLineEnd},
	{"LF behind a header name", "GET / HTTP/1.1\r\nHost\n\r\n", badLineEnd},
	{"LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", badLineEnd},
	{"CR alone in a value", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", badLineEnd},
	{"CR alone in a name", "GET / HTTP/1.1\r\nX\rY: a\r\n\r\n", badName},
	{"CR twice", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", badLineEnd},
	{"CR alone for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX", badLineEnd},
	{"a folded line", "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", foldedLine},
	{"a line folded with a tab", "GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", foldedLine},
	{"a folded first line", "GET / HTTP/1.1\r\n X: a\r\n\r\n", foldedLine},
	{"a folded length", "POST / HTTP/1.1\r\nContent-Length:\r\n 2\r\n\r\nab", badLength},
	{"a space before the colon", "GET / HTTP/1.1\r\nX : a\r\n\r\n", badName},
	{"a tab before the colon", "GET / HTTP/1.1\r\nContent-Length\t: 2\r\n\r\nab", badName},
	{"an empty name", "GET / HTTP/1.1\r\n: a\r\n\r\n", badName},
	{"no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", badName},
	{"text above ASCII in a name", "GET / HTTP/1.1\r\nX\xe9: a\r\n\r\n", badName},
	{"NUL in a value", "GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n", badValue},
	{"DEL in a value", "GET / HTTP/1.1\r\nX: a\x7fb\r\n\r\n", badValue},
	{"NUL in a length", "POST / HTTP/1.1\r\nContent-Length: 2\x00\r\n\r\nab", badValue},

	{"two lengths", "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab", repeatedLength},
	{"two equal lengths", "POST / HTTP/1.1\r\nContent-Length: 2\r\nX: y\r\ncontent-length: 2\r\n\r\nab", repeatedLength},
	{"equal lengths in one line", "POST / HTTP/1.1\r\nContent-Length: 2, 2\r\n\r\nab", badLength},
	{"a length of two numbers", "POST / HTTP/1.1\r\nContent-Length: 2 2\r\n\r\nab", badLength},
	{"a length with a sign", "POST / HTTP/1.1\r\nContent-Length: +2\r\n\r\nab", badLength},
	{"a negative length", "POST / HTTP/1.1\r\nContent-Length: -2\r\n\r\nab", badLength},
	{"a hexadecimal length", "POST / HTTP/1.1\r\nContent-Length: 0x2\r\n\r\nab", badLength},
	{"an empty length", "POST / HTTP/1.1\r\nContent-Length: \r\n\r\nab", badLength},
	{"a length beyond 64 bits", "POST / HTTP/1.1\r\nContent-Length: 18446744073709551618\r\n\r\nab", badLength},

	{"length and chunks", "POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", lengthAndChunks},
	{"chunks and length", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", lengthAndChunks},
	{"chunks twice", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", repeatedCoding},
	{"chunks twice in one line", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", badEncoding},
	{"chunks and another coding", "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", badEncoding},
	{"identity", "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n", badEncoding},
	{"an unknown coding", "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", badEncoding},
	{"a coding that is cut off", "POST / HTTP/1.1\r\nTransfer-Encoding: chunk\r\n\r\n0\r\n\r\n", badEncoding},
	{"chunks in quotes", "POST / HTTP/1.1\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", badEncoding},
	{"a vertical tab behind chunks", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n", badValue},
	{"an empty coding", "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n", badEncoding},
	{"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", badEncoding},
	{"chunks in a kept connection of HTTP/1.0", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", lengthAndChunks},
}

// In whatever pieces a request comes, a clear one is passed on whole, and of an unclear one what lets nobody take it for
// whole, also where a clear one comes before or after it.
func TestHeads(t *testing.T) {
	for _, c := range heads {
		t.Run(c.name, func(t *testing.T) {
			for _, text := range []string{c.text, c.text + second, second + c.text} {
				passed, why := scanned(text, len(text))
				if why != c.why || why == fine && passed != len(text) {
					t.Errorf("%q: passed on %d of %d, %q, want %q", text, passed, len(text), why, c.why)
				}
				reader := bufio.NewReader(strings.NewReader(text[:passed]))
				if strings.HasPrefix(text, second) {
					if _, err := http.ReadRequest(reader); err != nil {
						t.Errorf("%q: the clear one before it is not passed on: %v", text, err)
					}
				}
				if _, err := http.ReadRequest(reader); err == nil && why != fine {
					t.Errorf("%q: net/http has it whole", text)
				}
				for _, size := range []int{1, 2, 3, 7} {
					if again, otherwise := scanned(text, size); again != passed || otherwise != why {
						t.Errorf("%q, %d bytes at once: passed on %d, %q", text, size, again, otherwise)
					}
				}
			}
		})
	}
}

// scanned is how much of a text is passed on when it comes in pieces.
func scanned(text string, size int) (passed int, why problem) {
	var s Scanner
	for len(text) > 0 {
		piece := text[:min(size, len(text))]
		text = text[len(piece):]
		n, err := s.Scan([]byte(piece))
		passed += n
		if unclear, ok := errors.AsType[UnclearError](err); ok {
			return passed, problem(unclear)
		}
	}
	return passed, fine
}

func TestNothingIsPassedOnBehindHTTP10(t *testing.T) {
	for _, request := range []string{
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc",
	} {
		for _, size := range []int{1, 5, 1000} {
			if passed, why := scanned(request+second, size); passed != len(request) || why != fine {
				t.Errorf("%q, %d bytes at once: passed on %d, %q", request, size, passed, why)
			}
		}
	}
}

// Behind chunks the server closes the connection (Last), so nothing is looked at.
func TestWhatIsBehindChunksIsNotLookedAt(t *testing.T) {
	text := "POST / HTTP/1.1\r\nTransfer-Encoding: \tChunked \r\n\r\n3\r\na\nb\r\n0\r\n\r\n"
	if passed, why := scanned(text, len(text)); passed != len(text) || why != fine {
		t.Errorf("passed on %d of %d, %q", passed, len(text), why)
	}
}

// FuzzScanner holds the scanner against net/http: where both read a request, it ends at the same byte for both.
func FuzzScanner(f *testing.F) {
	for _, c := range heads {
		f.Add([]byte(second+c.text+second), uint8(3))
		f.Add([]byte(c.text), uint8(200))
	}
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		passed, ends := boundaries(text)
		whole, why := scanned(string(text), max(1, len(text)))
		if n, otherwise := scanned(string(text), max(1, int(size))); n != passed || whole != passed || otherwise != why {
			t.Fatalf("%d, %d or %d are passed on: in pieces of %d it is %q, in one %q", passed, n, whole, size, otherwise, why)
		}
		source := bytes.NewReader(text[:passed])
		reader := bufio.NewReader(source)
		for {
			request, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, request.Body); err != nil || Last(request) {
				return
			}
			at := passed - source.Len() - reader.Buffered()
			if !ends[at] {
				t.Fatalf("net/http finds the end of a request at %d of %q, and the scanner does not", at, text)
			}
		}
	})
}

// boundaries are the ends of the requests as the scanner sees them.
func boundaries(text []byte) (passed int, ends map[int]bool) {
	var s Scanner
	ends = map[int]bool{}
	for i := range text {
		n, err := s.Scan(text[i : i+1])
		if err != nil || n == 0 {
			break
		}
		passed++
		if s.at == atRequest {
			ends[passed] = true
		}
	}
	return passed, ends
}

// What a head costs beside nothing.
func BenchmarkScan(b *testing.B) {
	text := []byte("POST /order HTTP/1.1\r\nHost: localhost:9090\r\nUser-Agent: curl/8\r\nAccept: */*\r\nAuthorization: Bearer " +
		strings.Repeat("x", 700) + "\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(90) + "\r\n\r\n" + strings.Repeat("y", 90))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var s Scanner
	for b.Loop() {
		if n, err := s.Scan(text); n != len(text) || err != nil {
			b.Fatal(n, err)
		}
	}
}
