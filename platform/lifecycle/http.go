package lifecycle

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"oms/platform/connections"
	"oms/platform/framing"
	"oms/platform/limits"
	"oms/platform/observe/sampled"
)

// HTTPServer is an HTTP server as a part of a process. With TLS it speaks TLS 1.2 or later and HTTP/2, without it plain
// HTTP/1.1.
type HTTPServer struct {
	Name    string // "public listener"
	Address string // host:port; port 0 lets the system choose
	Setting string // what says so, for whoever has to choose another one: "server.address"
	Handler http.Handler
	TLS     *tls.Config // with a source of certificates; nil is plain HTTP, for loopback. It is copied.
	URL     string      // https://host:port, where those are sent who come without TLS; "" tells them only that they have to
	Log     *slog.Logger

	// Connections bounds how many there are at once; nil does not. It is this server's alone.
	Connections *connections.Table

	// Listening, where it is set, is told the address before the first request is accepted: the port behind port 0.
	Listening func(net.Addr)
}

// Part is the server as a part: Start opens the listener, so that a port that is taken is an error at start; Stop
// accepts nothing more and waits for the requests that were accepted; when its time is up it cuts them off.
func (s HTTPServer) Part() Part {
	inFlight, log := newFlight(s.Handler), s.Log.With("listener", s.Name)
	server := &http.Server{
		Handler:           inFlight,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             http2Limits(),
		ConnState:         follow,
		ConnContext:       withPlace,
		ErrorLog:          errorLog(log),

		DisableGeneralOptionsHandler: true, // which would keep a connection that inFlight ends
	}
	if s.TLS != nil {
		server.TLSConfig = serverTLS(s.TLS)
	}
	var listener net.Listener
	return Part{
		Name: s.Name,
		Start: func(ctx context.Context) (err error) {
			if listener, err = listen(ctx, s.Address, s.Setting); err != nil {
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
			door := newDoorway(listener, server.TLSConfig, s.Connections, log)
			door.url = s.URL
			var accepting sync.WaitGroup
			accepting.Go(func() { door.run(ctx) })
			defer accepting.Wait()
			defer func() { _ = door.Close() }() // also where Serve never began
			if err := server.Serve(door); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
		Stop: func(ctx context.Context) error { return inFlight.shutDown(ctx, server) },
	}
}

// serverTLS is a server's configuration: it speaks HTTP/2 and HTTP/1.1, and no TLS before 1.2, the oldest version without a
// known break (RFC 9325, section 3.1.1) and what old clients still have.
func serverTLS(of *tls.Config) *tls.Config {
	config := of.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	config.NextProtos = []string{"h2", "http/1.1", "http/1.0"} // the last one for those who offer nothing else
	// Of TLS 1.2 those that encrypt and authenticate in one (RFC 9325, section 4.2): the others leave room for padding oracles.
	config.CipherSuites = []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	return config
}

// TryListening fails as the start of a server would whose address cannot be had now, so that nothing is made for it.
func TryListening(ctx context.Context, name, address, setting string) error {
	listener, err := listen(ctx, address, setting)
	if err != nil {
		return didNotStart(name, err)
	}
	return listener.Close()
}

// listen opens a listener; its error is one line that says what to do.
func listen(ctx context.Context, address, setting string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	op, named := errors.AsType[*net.OpError](err)
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("cannot listen on %s: address already in use; stop the process that uses it, or write another port: %s", address, setting)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("cannot listen on %s: permission denied; ports below 1024 need a privilege, so write a higher one: %s", address, setting)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("cannot listen on %s: this machine does not have that address; write one that it has: %s", address, setting)
	case named:
		err = op.Err // without the operation and the address again
	}
	return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
}

const (
	// quiet is how long no handler must have run, after nothing more is accepted, before idle connections are closed. It
	// leaves clients the time to read their last answer and the notice that the connection is over.
	quiet = time.Second
	// quietStep is how often it is looked at.
	quietStep = 50 * time.Millisecond
)

// flight counts the requests whose handler runs, gives strangers' ones their turns, and has connections end behind a request
// that must be their last one. net/http itself waits for connections: one that a browser has opened in advance and never used
// would hold up a stop for ten seconds.
type flight struct {
	handler http.Handler
	turns   *limits.Turns
	running atomic.Int64
}

// ServeHTTP implements [http.Handler].
func (f *flight) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.running.Add(1)
	defer f.running.Add(-1)
	place, has := r.Context().Value(placeKey{}).(*connections.Conn)
	if framing.Last(r) {
		w.Header().Set("Connection", "close")
	}
	if !has || place.Known() {
		f.handler.ServeHTTP(w, r)
		return
	}
	done, err := f.turn(place, r)
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable) // for nobody: it has gone
		return
	}
	defer done()
	r = r.WithContext(limits.WithTurn(r.Context(), done))
	if r.Body != http.NoBody {
		r.Body = &strangersBody{r.Body, place, done}
	}
	f.handler.ServeHTTP(&turnWriter{w, done}, r)
}

// shutDown accepts nothing more and waits for what was accepted, then closes what is left.
func (f *flight) shutDown(ctx context.Context, server *http.Server) error {
	done := make(chan error, 1)
	go func() { done <- server.Shutdown(ctx) }()
	ticker := time.NewTicker(quietStep)
	defer ticker.Stop()
	for still := time.Duration(0); ; {
		select {
		case err := <-done:
			if err != nil {
				err = errors.Join(err, server.Close()) // what it gave up waiting for
			}
			if errors.Is(err, context.DeadlineExceeded) {
				return errors.New("requests were still running when the time to stop was up, and were cut off")
			}
			return err
		case <-ticker.C:
			if still += quietStep; f.running.Load() > 0 {
				still = 0
			}
			if still >= quiet {
				return errors.Join(server.Close(), <-done) // which now finds no connection any more
			}
		}
	}
}

// errorLog is where net/http writes what it cannot return: what anybody who connects can cause.
func errorLog(to *slog.Logger) *log.Logger { return sampled.New(to, time.Now).Lines(levelOf) }

// levelOf is how loud a line of net/http is. A panic is a defect here; the rest may be of interest.
func levelOf(line []byte) slog.Level {
	if bytes.HasPrefix(line, []byte("http: panic serving")) || bytes.HasPrefix(line, []byte("http2: panic serving")) {
		return slog.LevelError
	}
	return slog.LevelWarn
}
