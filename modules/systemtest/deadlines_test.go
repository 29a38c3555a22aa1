package systemtest

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A callee that does not answer, or not as it should, costs its callers their deadline and no more.
func TestACalleeThatDoesNotAnswerCostsADeadline(t *testing.T) {
	t.Parallel()
	trickle := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Rpc-Version", "1")
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte(" ")); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	huge := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Rpc-Version", "1")
		for part := []byte(strings.Repeat(" ", 1<<20)); ; {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for what, handle := range map[string]http.HandlerFunc{"says nothing": silent, "trickles": trickle, "never ends": huge, "never greets": nil} {
		t.Run(what, func(t *testing.T) {
			d := openSplit(t)
			d.stop("inventory")
			if handle != nil {
				d.answerAt(d.addressOf("inventory"), d.certificateOf("inventory"), handle)
			} else {
				listener, err := net.Listen("tcp", d.addressOf("inventory"))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = listener.Close() }) // it accepts, and that is all
			}
			started := time.Now()
			if got := d.do("GET", "/inventory"); got.Status < 500 {
				t.Errorf("%d %s", got.Status, got.Body)
			}
			if took := time.Since(started); took > 4*time.Second {
				t.Errorf("reading the inventory took %s, and its timeout is 2 s", took)
			}
			started = time.Now()
			if got := d.do("POST", "/order", bearer(d.token("alice")), body(orderBody("waiting"))); got.Status < 500 {
				t.Errorf("%d %s", got.Status, got.Body)
			}
			if took := time.Since(started); took > 8*time.Second {
				t.Errorf("an order took %s, and its timeout is 5 s", took)
			}
			d.expect(d.do("GET", "/order/waiting", bearer(d.token("alice"))), 200)
		})
	}
}

// Nobody without a certificate keeps answers, and with them connections and a stop of the process, waiting for as long as
// it likes: HTTP/2 lets a client open no window for what it is answered.
func TestAnAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	t.Parallel()
	d := openSplit(t)
	conn, err := tls.Dial("tcp", d.addressOf("sts"), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
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
	const headers, reset, settings, ping, ack = 1, 3, 4, 6, 1
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
		payload := make([]byte, int(begin[0])<<16|int(begin[1])<<8|int(begin[2]))
		if _, err := io.ReadFull(reader, payload); err != nil {
			t.Fatal(err)
		}
		switch kind, flags := begin[3], begin[4]; {
		case kind == reset && begin[8] == 1:
			return
		case kind == ping && flags&ack == 0: // it lives, and reads nothing for all that
			if _, err := conn.Write(frame(ping, ack, 0, payload)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
