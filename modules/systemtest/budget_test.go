package systemtest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// oneAddress is what one address can hold of the default budget, in bytes.
const oneAddress = 12 << 20

// fillWithOrders places orders of a hundred items each, more than a page can hold.
func (d *deployment) fillWithOrders(n int, token string) {
	d.Helper()
	adjust := `{"delta":` + fmt.Sprint(100*n) + `,"reason":"delivery"}`
	d.expect(d.do("POST", "/inventory/"+headphones+"/adjustments", bearer(d.token("admin")), body(adjust)), 200)
	items := strings.Repeat(`{"category":"electronics","code":"SOWH1000XM4","qty":1},`, 99) + `{"category":"electronics","code":"SOWH1000XM4","qty":1}`
	for i := range n {
		d.expect(d.do("POST", "/order", bearer(token), body(fmt.Sprintf(`{"id":"large-%d","name":"Large","items":[%s]}`, i, items))), 201)
	}
}

// A page ends where it is large, and the next one goes on from there: nothing is left out, and nothing comes twice.
func TestAPageOfLargeOrdersEndsBeforeItIsLarge(t *testing.T) {
	for name, opened := range everyShape {
		t.Run(name, func(t *testing.T) {
			d := opened(t)
			alice := d.token("alice")
			const orders = 60
			d.fillWithOrders(orders, alice)
			seen, pages, path := map[string]bool{}, 0, "/order?limit=100"
			for more := true; more; pages++ {
				got := d.expect(d.do("GET", path, bearer(alice)), 200)
				if len(got.Body) > 300<<10 {
					t.Errorf("a page of %d bytes", len(got.Body))
				}
				var page struct {
					Data    []struct{ ID string }
					HasMore bool `json:"has_more"`
					Next    *string
				}
				if err := json.Unmarshal([]byte(got.Body), &page); err != nil || page.HasMore != (page.Next != nil) {
					t.Fatalf("%v, has_more %t, next %v", err, page.HasMore, page.Next)
				}
				for _, o := range page.Data {
					if seen[o.ID] {
						t.Errorf("%s is listed twice", o.ID)
					}
					seen[o.ID] = true
				}
				if more = page.HasMore; more {
					path = "/order?limit=100&after=" + *page.Next
				}
			}
			if len(seen) != orders || pages < 2 {
				t.Errorf("%d orders on %d pages, want %d on some", len(seen), pages, orders)
			}
		})
	}
}

// unread opens streams for a request on one connection, and never reads an answer (CVE-2019-9517). It gives the
// statuses that came, and the connection.
func (d *deployment) unread(from net.IP, streams int, head map[string]string) (statuses map[string]int, connection net.Conn) {
	d.Helper()
	dialer := &tls.Dialer{NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}, Config: &tls.Config{RootCAs: d.roots, ServerName: "localhost", NextProtos: []string{"h2"}}}
	connection, err := dialer.DialContext(d.Context(), "tcp", d.address)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { _ = connection.Close() })
	if _, err := connection.Write([]byte(http2.ClientPreface)); err != nil {
		d.Fatal(err)
	}
	framer := http2.NewFramer(connection, connection)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	must := func(err error) {
		d.Helper()
		if err != nil {
			d.Fatal(err)
		}
	}
	must(framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
	for i := range streams {
		var block bytes.Buffer
		encoder := hpack.NewEncoder(&block)
		encoder.SetMaxDynamicTableSize(0)
		for _, name := range []string{":method", ":scheme", ":authority", ":path", "authorization"} {
			if head[name] != "" {
				must(encoder.WriteField(hpack.HeaderField{Name: name, Value: head[name]}))
			}
		}
		must(framer.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true}))
	}
	statuses = map[string]int{}
	for begun := 0; begun < streams; {
		frame, err := framer.ReadFrame()
		must(err)
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				must(framer.WriteSettingsAck())
			}
		case *http2.MetaHeadersFrame:
			statuses[frame.PseudoValue("status")]++
			begun++
		case *http2.RSTStreamFrame:
			statuses["reset"]++
			begun++
		case *http2.GoAwayFrame:
			d.Fatalf("the connection is over: %v", frame.ErrCode)
		}
	}
	return statuses, connection
}

// One connection with 250 lists that nobody read took 712 MB, and the public reads with it.
func TestListsThatNobodyReadsTakeNoMoreThanOneShare(t *testing.T) {
	for name, opened := range everyShape {
		t.Run(name, func(t *testing.T) {
			d := opened(t)
			alice, bob := d.token("alice"), d.token("bob")
			d.fillWithOrders(50, alice)
			head := map[string]string{":method": "GET", ":scheme": "https", ":authority": "localhost", ":path": "/order?limit=100", "authorization": "Bearer " + alice}
			const connections, streams = 3, 90
			total := map[string]int{}
			var held []net.Conn
			for range connections {
				statuses, connection := d.unread(net.IPv4(127, 0, 0, 2), streams, head)
				held = append(held, connection)
				for status, n := range statuses {
					total[status] += n
				}
			}
			bytes, requests := d.held("gateway")
			t.Logf("%d lists on %d connections that nobody reads: %v; %.0f bytes and %.0f requests are held", connections*streams, connections, total, bytes, requests)
			if total["503"] < 100 || total["200"] < 10 || bytes > oneAddress || bytes < oneAddress/2 {
				t.Errorf("answered %v, %.0f bytes are held, want at most %d and the others refused", total, bytes, oneAddress)
			}
			elsewhere := d.http2
			d.expect(d.doWith(elsewhere, "GET", "/order/large-1"), 200)
			d.expect(d.doWith(elsewhere, "GET", "/order", bearer(bob)), 200)
			d.expect(d.doWith(elsewhere, "POST", "/order", bearer(bob), body(orderBody("bob"))), 201)
			refused := d.doWith(elsewhere, "GET", "/order?limit=100", bearer(alice)) // whose share is used up, wherever she is
			if d.expectProblem(refused, 503, "unavailable"); refused.Header.Get("Retry-After") == "" {
				t.Error("a refusal without Retry-After")
			}
			for _, connection := range held {
				_ = connection.Close()
			}
			for _, module := range []string{"gateway", "order", "sts"} {
				d.expectNothingHeld(module)
			}
			d.expect(d.doWith(elsewhere, "GET", "/order?limit=100", bearer(alice)), 200)
		})
	}
}

// Small answers wait for a reader too, refusals among them: each with a stack and buffers of its own.
func TestSmallAnswersThatNobodyReadsAreCounted(t *testing.T) {
	d := open(t, withoutRates)
	total := map[string]int{}
	const connections, streams = 4, 90
	for range connections {
		statuses, _ := d.unread(net.IPv4(127, 0, 0, 2), streams, map[string]string{":method": "GET", ":scheme": "https", ":authority": "localhost", ":path": "/order/none"})
		for status, n := range statuses {
			total[status] += n
		}
	}
	bytes, requests := d.held("gateway")
	t.Logf("%d small answers that nobody reads: %v; %.0f bytes and %.0f requests are held", connections*streams, total, bytes, requests)
	if requests < 100 || requests > 128 || total["404"] != int(requests) || total["503"] != connections*streams-total["404"] {
		t.Errorf("answered %v, %.0f requests are held, want a quarter of 512", total, requests)
	}
	d.expect(d.do("GET", "/inventory"), 200)
}

// 500 bodies of 1 MiB, each one byte short, took 632 MB.
func TestBodiesOneByteShortTakeNoMoreThanOneShare(t *testing.T) {
	d := open(t)
	alice, bob := d.token("alice"), d.token("bob")
	const bodies = 60
	text := orderBody("short") + strings.Repeat(" ", 1<<20-len(orderBody("short"))-1)
	answered := make(chan string, bodies)
	var held []net.Conn
	for range bodies {
		dialer := &tls.Dialer{NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}, Config: &tls.Config{RootCAs: d.roots, ServerName: "localhost"}}
		connection, err := dialer.DialContext(t.Context(), "tcp", d.address)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, connection)
		t.Cleanup(func() { _ = connection.Close() })
		go func() {
			_, _ = fmt.Fprintf(connection, "POST /order HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", alice, 1<<20)
			go func() { _, _ = io.WriteString(connection, text) }()
			status := make([]byte, len("HTTP/1.1 503"))
			_, _ = io.ReadFull(connection, status)
			answered <- string(status)
		}()
	}
	refused := 0
	for ; refused < bodies-11; refused++ { // eleven fit into a quarter of 48 MiB
		if got := <-answered; got != "HTTP/1.1 503" {
			t.Fatalf("answered %q", got)
		}
	}
	bytes, requests := d.held("gateway")
	t.Logf("%d bodies, each one byte short: %d are refused at once, %.0f bytes and %.0f requests are held", bodies, refused, bytes, requests)
	if bytes > oneAddress {
		t.Errorf("%.0f bytes are held, want at most %d", bytes, oneAddress)
	}
	d.expect(d.do("POST", "/order", bearer(bob), body(orderBody("bob"))), 201)
	d.expect(d.do("GET", "/order/bob"), 200)
	for _, connection := range held {
		_ = connection.Close()
	}
	d.expectNothingHeld("gateway")
}

// Twenty bodies of half a million numbers took 417 MB and both processors.
func TestBodiesOfAMillionNumbersAreRefusedEarly(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	text := `{"a":[` + strings.Repeat("0,", 500_000) + `0]}`
	statuses, mu := map[int]int{}, sync.Mutex{}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got := d.do("POST", "/order", bearer(alice), body(text))
			mu.Lock()
			defer mu.Unlock()
			statuses[got.Status]++
		})
	}
	all.Wait()
	t.Logf("20 bodies of 500,001 numbers: %v", statuses)
	if statuses[400] == 0 || statuses[400]+statuses[503] != 20 {
		t.Errorf("answered %v", statuses)
	}
	d.expectProblem(d.do("POST", "/order", bearer(alice), body(text)), 400, "malformed")
	d.expectNothingHeld("gateway")
}

// Whatever becomes of a request, what it held is given back.
func TestEveryRequestGivesBackWhatItHeld(t *testing.T) {
	t.Parallel()
	d := openSplit(t)
	alice := d.token("alice")
	session := d.signIn("alice")
	gone := func(path string, options ...option) { // a client that goes away at once
		client := d.newClient(ClientOptions{HTTP2: true})
		client.Timeout = 1
		r, err := http.NewRequest(http.MethodGet, "https://localhost"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, set := range options {
			set(r)
		}
		_, _ = Fetch(client, r)
	}
	for _, client := range []*http.Client{d.http1, d.http2} {
		for _, path := range []string{"/order", "/order/none", "/none", "/inventory", "/ui/", "/ui/none", "/oauth2/sign-in", "/oauth2/jwks", "//"} {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE"} {
				d.doWith(client, method, path, bearer(alice), withCookies(session))
				d.doWith(client, method, path, bearer("x"), body("{"))
				d.doWith(client, method, path, bearer(alice), chunked(strings.Repeat("x", 2<<20)))
			}
			gone(path, bearer(alice))
		}
	}
	stranger := d.callerWith("sts", nil)
	for _, operation := range []string{"sts.Enrol", "sts.Nothing", "sts.Exchange"} {
		_, _ = stranger.try(operation, strings.Repeat("x", 20_000))
		_, _ = stranger.try(operation, "{}")
	}
	for _, module := range []string{"gateway", "sts", "order", "inventory"} {
		d.expectNothingHeld(module)
	}
}
