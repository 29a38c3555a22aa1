package lifecycle

import (
	"net/http"
	"time"
)

// The limits of every HTTP server. There is no limit on writing a response, because a stream of events has none; what
// answers at once is bounded by its operation's deadline.
const (
	// readHeaderTimeout is how long a client may take to send the head of a request: the slowest phone needs less, and
	// a connection that only trickles (Slowloris) is gone soon.
	readHeaderTimeout = 5 * time.Second

	// readTimeout is how long a whole request may take to arrive: a body of 1 MiB at 300 kbit/s. A handler that streams
	// for longer lifts it with [http.ResponseController.SetReadDeadline], since it would end the request's context.
	readTimeout = 30 * time.Second

	// idleTimeout is how long a kept connection may lie unused: longer than the 60 s after which the usual proxies
	// close theirs, so that it is they who close and no request meets a closed connection.
	idleTimeout = 75 * time.Second

	// maxHeaderBytes is the size of a request's head. The largest honest one holds a few cookies and an access token of
	// some KiB; the 1 MiB of net/http would be memory for whoever asks.
	maxHeaderBytes = 64 << 10
)

// http2Limits are those of every connection of HTTP/2 beside the ones above.
func http2Limits() *http.HTTP2Config {
	return &http.HTTP2Config{
		// A browser opens a hundred requests at once at most, and so do RFC 9113 section 6.5.2 and the usual servers.
		MaxConcurrentStreams: 100,
		// The least that there is (RFC 9113 section 4.2), and what clients send by default: net/http has room for a whole frame
		// as soon as its length has come.
		MaxReadFrameSize: 16 << 10,
		// What a connection can hold of bodies that no handler has read yet: an upload still goes at 5 Mbit/s where a
		// round trip takes 100 ms.
		MaxReceiveBufferPerConnection: 128 << 10,
		MaxReceiveBufferPerStream:     64 << 10,
		// Whoever sends no whole frame for so long is asked for one, and has PingTimeout to answer: a frame that is not finished,
		// of a head or of a body, cannot be.
		SendPingTimeout: 10 * time.Second,
		PingTimeout:     5 * time.Second,
		// How long a client may take none of what is written to it.
		WriteByteTimeout: 10 * time.Second,
	}
}
