package lifecycle

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
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

// HTTPServer is an HTTP server as a part of a process. With TLS it speaks TLS 1.2 or later and HTTP/2, without it plain
// HTTP/1.1.
type HTTPServer struct {
	Name    string // "public listener"
	Address string // host:port; port 0 lets the system choose
	Handler http.Handler
	TLS     *tls.Config // with a source of certificates; nil is plain HTTP, for loopback. It is copied.
	Log     *slog.Logger

	// Listening, where it is set, is told the address before the first request is accepted: the port behind port 0.
	Listening func(net.Addr)
}

// Part is the server as a part: Start opens the listener, so that a port that is taken is an error at start; Stop
// accepts nothing more and waits for the requests that were accepted; when its time is up it cuts them off.
func (s HTTPServer) Part() Part {
	inFlight := &flight{handler: s.Handler}
	server := &http.Server{
		Handler:           inFlight,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          errorLog(s.Log.With("listener", s.Name)),
	}
	if s.TLS != nil {
		server.TLSConfig = s.TLS.Clone()
		// 1.2 is the oldest version without a known break (RFC 9325, section 3.1.1) and what old clients still have.
		server.TLSConfig.MinVersion = max(server.TLSConfig.MinVersion, tls.VersionTLS12)
	}
	var listener net.Listener
	return Part{
		Name: s.Name,
		Start: func(ctx context.Context) (err error) {
			if listener, err = listen(ctx, s.Address); err != nil {
				return err
			}
			s.Log.Info("listening", "listener", s.Name, "address", listener.Addr().String())
			if s.Listening != nil {
				s.Listening(listener.Addr())
			}
			return nil
		},
		Run: func(ctx context.Context) error {
			server.BaseContext = func(net.Listener) context.Context { return ctx }
			return serve(server, listener)
		},
		Stop: func(ctx context.Context) error { return inFlight.shutDown(ctx, server) },
	}
}

func serve(server *http.Server, listener net.Listener) error {
	defer func() { _ = listener.Close() }() // also where Serve never began
	var err error
	if server.TLSConfig != nil {
		err = server.ServeTLS(listener, "", "") // its certificates come from TLSConfig
	} else {
		err = server.Serve(listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// listen opens a listener; its error is one line that says what to do.
func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	var op *net.OpError
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("cannot listen on %s: address already in use; stop the process that uses it, or configure another port", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("cannot listen on %s: permission denied; ports below 1024 need a privilege, so configure a higher one", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("cannot listen on %s: this machine does not have that address; configure one that it has", address)
	case errors.As(err, &op):
		err = op.Err // without the operation and the address again
	}
	return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
}
