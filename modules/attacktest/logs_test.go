package attacktest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// What strangers send is written down as a sample, however they fail (CWE-779).
func TestStrangersDoNotFillTheLog(t *testing.T) {
	bad := "eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.e30.AAAA"
	run(t, []attack{
		{name: "orders without a token", send: requests("", "POST", at("/order"), func(int) string { return `{"name":"n"}` })},
		{name: "lists with tokens that prove nothing", send: requests(bad, "GET", at("/order"), nothing)},
		{name: "paths that are not there", send: requests("", "GET", func(i int) string { return fmt.Sprintf("/none/%d/%s", i, strings.Repeat("x", 1000)) }, nothing)},
		{name: "sign-ins with a wrong password", send: requests("", "POST", at("/oauth2/sign-in"), func(i int) string { return fmt.Sprintf("name=nobody%d&password=wrong", i) })},
		{name: "forms that are none", send: requests("", "POST", at("/oauth2/sign-in"), func(int) string { return "%zz" })},
		{name: "no TLS", send: func(a *assault) string { return a.junk([]byte("GET / HTTP/1.1\r\n\r\n"), false) }},
		{name: "TLS that is broken", send: func(a *assault) string {
			return a.junk(append([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, make([]byte, 501)...), false)
		}},
		{name: "no HTTP", send: func(a *assault) string { return a.junk([]byte("\x00\x01\x02\r\n\r\n"), true) }},
	})
}

// junk sends what is no request on many connections, each of which ends with it.
func (a *assault) junk(text []byte, shaken bool) string {
	times := either(200, 3000)
	times = a.keepOn(times, 10, func(int) {
		connection, err := a.connectPlain("gateway", stranger(rand.IntN(1000)))
		if err == nil && shaken {
			connection, err = a.shake(connection, "http/1.1")
		}
		if err == nil {
			write(connection, text)
			_ = connection.Close()
		}
	})
	return fmt.Sprintf("%d connections with %.20q", times, text)
}
