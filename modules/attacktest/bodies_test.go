package attacktest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// aMegabyte is the largest body that is read at all.
const aMegabyte = 1 << 20

// Bodies take no more than their senders' shares, whether they are complete or not, and however large they become in memory
// (CWE-400, CWE-789).
func TestBodies(t *testing.T) {
	run(t, []attack{
		{name: "one byte short, on HTTP/1.1", users: true, send: func(a *assault) string {
			return a.unfinished(either(100, 500), "bob", func(int) string { return attackersAddress })
		}},
		{name: "one byte short, from many addresses", users: true, sheds: true, send: func(a *assault) string {
			return a.unfinished(either(100, 500), "bob", stranger)
		}},
		{name: "one byte short, of nobody", sheds: true, send: func(a *assault) string { return a.unfinished(either(100, 500), "", stranger) }},
		{name: "one byte short, on HTTP/2", users: true, send: (*assault).unfinishedStreams},
		{name: "a million numbers", users: true, send: bodies("bob", "/order", `{"a":[`+strings.Repeat("0,", aMegabyte/2-10)+"0]}")},
		{name: "objects in objects", users: true, send: bodies("bob", "/order", strings.Repeat(`{"a":`, aMegabyte/6)+"0"+strings.Repeat("}", aMegabyte/6))},
		{name: "a name of a megabyte", users: true, send: bodies("bob", "/order", `{"name":"`+strings.Repeat(`\u0041`, aMegabyte/6-20)+`","items":[]}`)},
		{name: "ten thousand lines", users: true, send: bodies("bob", "/order", largeOrder(aMegabyte/60))},
		{name: "a megabyte for the sign-in", send: bodies("", "/oauth2/sign-in", "name=bob&password="+strings.Repeat("x", aMegabyte-100))},
	})
}

// unfinished sends bodies that lack their last byte, each on a connection of its own.
func (a *assault) unfinished(connections int, user string, from func(i int) string) string {
	body, taken := make([]byte, aMegabyte-1), statuses{}
	many(connections, 25, func(i int) {
		connection, err := a.connect("gateway", from(i), "http/1.1")
		if err != nil || !write(connection, a.head(user, "POST", "/order", fmt.Sprintf("Content-Length: %d", aMegabyte))) {
			return
		}
		if write(connection, body) {
			taken.add(0)
		}
	})
	a.lasts()
	return fmt.Sprintf("%d bodies of a megabyte on HTTP/1.1, one byte short; %d were taken", connections, taken.counts[0])
}

// unfinishedStreams sends bodies that lack their last byte on streams of a few connections, as far as the server's windows go.
func (a *assault) unfinishedStreams() string {
	sent, connections := int64(0), either(3, 10)
	many(connections, 10, func(int) {
		f, err := a.frames("gateway", attackersAddress)
		if err != nil {
			return
		}
		length := [2]string{"content-length", fmt.Sprint(aMegabyte)}
		bearer, media := [2]string{"authorization", "Bearer " + a.tokens["bob"]}, [2]string{"content-type", "application/json"}
		for i := range uint32(streams) {
			err := f.do(func() error {
				if err := f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: f.block("POST", "/order", length, bearer, media), EndHeaders: true}); err != nil {
					return err
				}
				return f.framer.WriteData(2*i+1, false, make([]byte, 10<<10)) // 100 of them fit into a connection's window
			})
			if err != nil {
				return
			}
			a.mu.Lock()
			sent += 10 << 10
			a.mu.Unlock()
		}
	})
	a.lasts()
	return fmt.Sprintf("%s of bodies that do not end on %d connections of HTTP/2", megabytes(sent), connections)
}

// bodies sends the same large body again and again, from a few clients at once.
func bodies(user, path, body string) func(a *assault) string {
	return func(a *assault) string {
		times, got := either(40, 400), statuses{}
		client := a.client(attackersAddress, true)
		defer client.CloseIdleConnections()
		times = a.keepOn(times, 20, func(int) {
			status, text := a.send(client, user, "POST", path, body)
			if got.add(status); status == http.StatusCreated || status >= 500 && status != http.StatusServiceUnavailable {
				a.t.Errorf("%d %.200s", status, text)
			}
		})
		return fmt.Sprintf("%d bodies of %d bytes, answered %v", times, len(body), got.counts)
	}
}
