package attacktest

import (
	"fmt"
	"net"
	"testing"

	"golang.org/x/net/http2"
)

// Answers that nobody reads hold no more than their readers' shares, and end in time (CVE-2019-9511, CVE-2019-9517, CWE-770).
func TestAnswersThatNobodyReads(t *testing.T) {
	run(t, []attack{
		{name: "lists on one HTTP/2 connection", users: true, send: func(a *assault) string {
			return a.unread(1, "/order?limit=100", func(int) (string, string) { return "bob", attackersAddress })
		}},
		{name: "lists on five connections", users: true, send: func(a *assault) string {
			return a.unread(5, "/order?limit=100", func(int) (string, string) { return "bob", attackersAddress })
		}},
		{name: "lists of two users from many addresses", users: true, sheds: true, send: func(a *assault) string {
			return a.unread(10, "/order?limit=100", func(i int) (string, string) { return []string{"bob", "admin"}[i%2], stranger(i) })
		}},
		{name: "products, of nobody", sheds: true, send: func(a *assault) string {
			return a.unread(either(10, 50), "/inventory", func(i int) (string, string) { return "", stranger(i) })
		}},
		{name: "pages, of nobody", sheds: true, send: func(a *assault) string {
			return a.unread(either(10, 50), "/oauth2/sign-in", func(i int) (string, string) { return "", stranger(i) })
		}},
		{name: "lists on HTTP/1.1, pipelined", users: true, send: (*assault).pipelined},
	})
}

// streams is how many requests there are on one connection: as many as the server lets a client have at once.
const streams = 100

// unread opens HTTP/2 connections whose windows are closed, and asks for a path on every stream.
func (a *assault) unread(connections int, path string, who func(i int) (user, from string)) string {
	a.fillWithOrders("bob")
	var asked statuses
	many(connections, 10, func(i int) {
		user, from := who(i)
		f, err := a.frames("gateway", from, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		if err != nil {
			return
		}
		for stream := range uint32(streams) {
			if f.request(2*stream+1, user, "GET", path, a.tokens) != nil {
				return
			}
			asked.add(0)
		}
	})
	a.lasts()
	return fmt.Sprintf("%d times GET %s on %d connections that are not read", asked.counts[0], path, connections)
}

// request opens a stream with a request that has no body.
func (f *framed) request(stream uint32, user, method, path string, tokens map[string]string) error {
	return f.do(func() error {
		var headers [][2]string
		if user != "" {
			headers = append(headers, [2]string{"authorization", "Bearer " + tokens[user]})
		}
		return f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: f.block(method, path, headers...), EndHeaders: true, EndStream: true})
	})
}

// pipelined sends lists one behind the other on connections of HTTP/1.1 whose answers are not read.
func (a *assault) pipelined() string {
	a.fillWithOrders("bob")
	request := a.head("bob", "GET", "/order?limit=100")
	sent, connections := 0, either(50, 250)
	many(connections, 10, func(i int) {
		connection, err := a.connect("gateway", attackersAddress, "http/1.1")
		if err != nil {
			return
		}
		if tcp, ok := connection.(interface{ NetConn() net.Conn }).NetConn().(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(4 << 10) // so that little of an answer is taken by the kernel
		}
		for range 20 {
			if !write(connection, request) {
				return
			}
			a.mu.Lock()
			sent++
			a.mu.Unlock()
		}
	})
	a.lasts()
	return fmt.Sprintf("%d lists on %d connections of HTTP/1.1 that are not read", sent, connections)
}
