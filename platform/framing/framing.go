// Package framing stands in front of net/http, where requests of HTTP/1 begin and end. Two readers of one connection that
// disagree about it let somebody hide a request in another one (request smuggling, RFC 9112 section 11.2), and net/http
// reads generously: a bare LF ends a line for it, equal lengths are one, and a length beside chunks is dropped.
//
// A [Conn] passes on what it reads and follows the heads in it. From the first byte on that is not as RFC 9112 has it, it
// passes on nothing: net/http never has that head whole, answers 400 and closes. Bodies with a length are counted; behind chunks, and behind a
// request of HTTP/1.0, no further head is looked for: [Last] says of which requests the server has to close the connection.
package framing

import (
	"crypto/tls"
	"net"
	"net/http"
)

// Conn is the server's side of a connection that speaks HTTP/1. Like every connection it has one reader at a time.
type Conn struct {
	net.Conn
	scanner Scanner
	refused error
	refuse  func(why error)
}

// Guard follows the requests of a connection. Where it is refused, refuse is told why, once; it may be nil.
func Guard(c net.Conn, refuse func(why error)) *Conn { return &Conn{Conn: c, refuse: refuse} }

// NetConn is the connection below.
func (c *Conn) NetConn() net.Conn { return c.Conn }

// CloseWrite ends what is sent, where the connection below can: net/http does so to have its last answer read.
func (c *Conn) CloseWrite() error {
	if half, can := c.Conn.(interface{ CloseWrite() error }); can {
		return half.CloseWrite()
	}
	return nil
}

// Read implements [net.Conn]. Its error is of type [UnclearError] where the bytes are not requests that everybody reads alike.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		// While a handler runs, net/http looks with a buffer of one byte whether the client is still there, and takes an error
		// for its going. The request that came before is whole, so it ends first.
		if c.refused != nil && len(p) > 1 {
			return 0, c.refused
		}
		n, err := c.Conn.Read(p)
		if n = c.scan(p[:n]); n > 0 || err != nil {
			return n, err
		}
	}
}

// scan is how many bytes can be passed on.
func (c *Conn) scan(p []byte) (passed int) {
	if c.refused != nil {
		return 0
	}
	passed, c.refused = c.scanner.Scan(p)
	if c.refused != nil && c.refuse != nil {
		c.refuse(c.refused)
	}
	return passed
}

// TLSConn is a [Conn] over TLS, whose state net/http gives to handlers.
type TLSConn struct{ *Conn }

// ConnectionState is that of the connection below.
func (c TLSConn) ConnectionState() tls.ConnectionState {
	return c.Conn.Conn.(*tls.Conn).ConnectionState()
}

// GuardTLS is [Guard] over TLS.
func GuardTLS(c *tls.Conn, refuse func(why error)) TLSConn { return TLSConn{Guard(c, refuse)} }

// Last reports whether a request is the last one of its connection. HTTP/1.0 has no chunks and kept connections only by
// private agreement. Behind chunks nothing is trusted: whoever stands in front may have gone by something else (RFC 9112
// section 6.1).
func Last(r *http.Request) bool {
	return r.ProtoMajor == 1 && (r.ProtoMinor == 0 || len(r.TransferEncoding) > 0)
}
