package lifecycle

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"oms/platform/framing"
	"oms/platform/limits"
)

// handshakeTimeout is how long a client may take for the handshake: two round trips and a signature, so the slowest phone
// needs less.
const handshakeTimeout = 5 * time.Second

// handshakes is how many are computed at once: what is signed for strangers takes no more than half of the processors.
func handshakes() int { return max(1, limits.Processors()/2) }

// shaking is a connection during its handshake, which takes its turn when something has come from the client, and gives it up
// when it waits for more.
type shaking struct {
	net.Conn
	take func() (done func(), err error)
	done func() // nil where it has no turn
	over bool

	first []byte // what has come, where that is no TLS
}

// maxFirst is how much is kept of it: a request's first line.
const maxFirst = 4 << 10

// recordTypeHandshake is the first byte of whatever begins a handshake (RFC 8446 section 5.1).
const recordTypeHandshake = 22

// NetConn is the connection below.
func (s *shaking) NetConn() net.Conn { return s.Conn }

// Read implements [net.Conn].
func (s *shaking) Read(b []byte) (n int, err error) {
	if s.over {
		return s.Conn.Read(b)
	}
	s.giveUp()
	if n, err = s.Conn.Read(b); err != nil {
		return n, err
	}
	if n > 0 && (len(s.first) > 0 || b[0] != recordTypeHandshake) && len(s.first)+n <= maxFirst {
		s.first = append(s.first, b[:n]...)
	}
	s.done, err = s.take()
	return n, err
}

func (s *shaking) giveUp() {
	if s.done != nil {
		s.done()
		s.done = nil
	}
}

// end says that the handshake is over.
func (s *shaking) end() {
	s.giveUp()
	s.over = true
}

// from is the address that a connection counts for.
func from(c net.Conn) string {
	if place := placed(c); place != nil {
		return place.Address()
	}
	return ""
}

// shake does the handshake of one connection.
func (d *doorway) shake(ctx context.Context, raw net.Conn) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	waits := &shaking{Conn: raw, take: func() (func(), error) { return d.turns.Take(ctx, from(raw)) }}
	c := tls.Server(waits, d.tls)
	err := c.HandshakeContext(ctx)
	waits.end()
	if err != nil {
		d.refuse(raw, waits.first, err)
		return
	}
	state, place := c.ConnectionState(), placed(raw)
	if place != nil && len(state.PeerCertificates) > 0 { // which the handshake has judged
		place.Proven()
	}
	if state.NegotiatedProtocol == "h2" {
		if place != nil {
			place.Pace() // of HTTP/1 there is nothing but requests, which framing reads
		}
		d.hand(c)
		return
	}
	d.hand(framing.GuardTLS(c, d.tell(raw)))
}

// plainAnswer is for who forgot the s of https.
const plainAnswer = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
	"This is an HTTPS server: write https:// in front of its address.\n"

// refuse ends a connection whose handshake has failed. That is a client's business (a browser that does not know the root,
// a port scan), so it is logged at debug.
func (d *doorway) refuse(raw net.Conn, first []byte, why error) {
	if not, ok := errors.AsType[tls.RecordHeaderError](why); ok && not.Conn != nil && beginsRequest(not.RecordHeader) {
		_ = raw.SetWriteDeadline(time.Now().Add(handshakeTimeout))
		if _, err := io.WriteString(raw, d.toHTTPS(first)); err == nil { // what is left unread would take the answer away
			_ = raw.SetReadDeadline(time.Now().Add(lastWords))
			_, _ = io.CopyN(io.Discard, raw, 16*maxFirst)
		}
		why = errors.New("the client sent HTTP without TLS")
	}
	_ = raw.Close()
	d.log.Debug("TLS handshake error", "from", raw.RemoteAddr().String(), "cause", why)
}

// lastWords is how long a client that came without TLS may take to read that and go.
const lastWords = time.Second

// toHTTPS is the answer to a request without TLS: the way to the same thing with it (RFC 9110 section 15.4.9), where there is one.
func (d *doorway) toHTTPS(request []byte) string {
	if d.url == "" {
		return plainAnswer
	}
	line, _, whole := bytes.Cut(request, []byte("\r\n"))
	target := "/"
	if parts := strings.Split(string(line), " "); whole && len(parts) == 3 && strings.HasPrefix(parts[1], "/") && !strings.ContainsFunc(parts[1], unprintable) {
		target = parts[1]
	}
	return "HTTP/1.1 308 Permanent Redirect\r\nLocation: " + d.url + target + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
}

// unprintable is what no target of a request has (RFC 3986 section 2).
func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// beginsRequest reports whether what came in place of TLS looks like HTTP.
func beginsRequest(first [5]byte) bool {
	switch string(first[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH":
		return true
	}
	return false
}
