package systemtest_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Strangers come as often as they like, and the log can still be opened.
func TestAFloodOfStrangersDoesNotFillTheLog(t *testing.T) {
	s := openSplit(t)
	const flood = 300
	together := func(do func(n int)) {
		var all sync.WaitGroup
		for worker := range 4 {
			all.Go(func() {
				for n := worker; n < flood; n += 4 {
					do(n)
				}
			})
		}
		all.Wait()
	}
	started := time.Now()
	stranger := s.posing("sts", nil)
	together(func(n int) {
		for _, operation := range []string{"sts.Exchange", "sts.Nothing", "sts.Enrol"} {
			options := []option{}
			if n%2 == 0 {
				options = append(options, setHeader("Rpc-Version", strings.Repeat("9", 1000)))
			}
			_, _ = stranger.try(operation, `{"join_token":"order.x.y"}`, options...)
		}
		if r, err := http.NewRequest(http.MethodGet, "https://"+s.at("sts")+"/oauth2/jwks", nil); err == nil {
			_, _ = fetch(stranger.client, r)
		}
		for _, module := range []string{"inventory", "order"} {
			conn, err := tls.Dial("tcp", s.at(module), &tls.Config{InsecureSkipVerify: true})
			if err == nil {
				_, _ = conn.Read(make([]byte, 1)) // until it is told that it must not come in
				_ = conn.Close()
			}
		}
	})
	most := 20 + 5*(int(time.Since(started).Seconds())+1) // of one kind
	for _, module := range everyModule {
		kinds := map[string]int{}
		for line := range strings.Lines(s.logs[module].String()) {
			if _, rest, ok := strings.Cut(line, " level="); ok && !strings.HasPrefix(rest, "DEBUG") && !strings.Contains(line, "caller=gateway") {
				kinds[rest[:min(len(rest), 40)]]++
			}
			if len(line) > 2000 {
				t.Errorf("a line of %d bytes: %.200s", len(line), line)
			}
		}
		for kind, n := range kinds {
			if n > most {
				t.Errorf("%s: %d lines begin with %s", module, n, kind)
			}
		}
	}
	s.logged("sts", "suppressed=")
	s.place("after-the-flood", s.token("alice"))
}

// Nobody without a certificate keeps answers, and with them connections and a stop of the process, waiting for as long as
// it likes: HTTP/2 lets a client open no window for what it is answered.
func TestAnAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	t.Parallel()
	s := openSplit(t)
	conn, err := tls.Dial("tcp", s.at("sts"), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var head []byte // HPACK, RFC 7541 section 6.2.2: literals without indexing
	for _, field := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", "sts"}, {":path", "/rpc/sts.Exchange"}, {"rpc-version", "1"}, {"rpc-timeout", "100"}} {
		head = append(head, 0, byte(len(field[0])))
		head = append(append(append(head, field[0]...), byte(len(field[1]))), field[1]...)
	}
	frame := func(kind, flags byte, stream byte, payload []byte) []byte {
		return append([]byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags, 0, 0, 0, stream}, payload...)
	}
	const headers, settings, reset = 1, 4, 3
	text := slices.Concat([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		frame(settings, 0, 0, []byte{0, 4, 0, 0, 0, 0}), // INITIAL_WINDOW_SIZE 0
		frame(headers, 0b101, 1, head))                  // END_STREAM, END_HEADERS
	if _, err := conn.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for reader := bufio.NewReader(conn); ; {
		begin := make([]byte, 9)
		if _, err := io.ReadFull(reader, begin); err != nil {
			t.Fatalf("the answer still waits to be read: %v", err)
		}
		if _, err := reader.Discard(int(begin[0])<<16 | int(begin[1])<<8 | int(begin[2])); err != nil {
			t.Fatal(err)
		}
		if begin[3] == reset && begin[8] == 1 {
			return
		}
	}
}
