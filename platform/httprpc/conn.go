package httprpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
)

// ConnOptions say who calls whom, and where.
type ConnOptions struct {
	Caller    string            // this process's module
	Callee    string            // the module at URL
	URL       string            // https://host:port
	Profile   rpc.Profile       // proves the caller
	Transport http.RoundTripper // one that sends a request once, such as [Transport]; shared by all Conns of a process
	Log       *slog.Logger

	// Rejected, where it is set, is told when the callee does not accept who this process is: neither its certificate nor
	// a proof that was made afresh. It must not block.
	Rejected func()
}

// NewConn reaches the module Callee at URL on behalf of Caller, as [rpc.NewConn] has it. What is no answer of this
// protocol - a lost connection, a proxy's page, a redirect, half an answer - is not an answer.
func NewConn(o ConnOptions) rpc.Conn {
	o.URL = strings.TrimSuffix(o.URL, "/")
	return rpc.NewConn(rpc.ConnOptions{
		Caller: o.Caller, Callee: o.Callee, Profile: o.Profile, Transport: remote{o},
		Log: o.Log.With("callee", o.Callee, "url", o.URL), Rejected: o.Rejected,
	})
}

// remote is the transport to a module in another process.
type remote struct{ ConnOptions }

// Encode implements [rpc.Transport].
func (t remote) Encode(request any) ([]byte, *fault.Error) {
	body, err := encode(request)
	switch {
	case err != nil:
		return nil, fault.New(fault.Malformed, "The request cannot be sent: %v.", err)
	case len(body) > maxRequest:
		return nil, tooLarge(maxRequest)
	}
	return body, nil
}

// Send implements [rpc.Transport].
func (t remote) Send(ctx context.Context, c *rpc.Outgoing) error {
	sent := &onceBody{rest: c.Body}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL+pathPrefix+c.Operation, sent)
	if err != nil {
		return &rpc.UndeliveredError{
			Failure:  fault.New(fault.Internal, "%s has no usable URL: correct modules.%s.url.", t.Callee, t.Callee).Because(err),
			Executed: rpc.NotExecuted,
		}
	}
	maps.Copy(request.Header, c.Header)
	request.ContentLength = int64(len(c.Body)) // GetBody stays nil: net/http must send nothing a second time
	request.Header.Set("Content-Type", jsonType)
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set(versionHeader, version)
	sendTimeout(ctx, request.Header)
	if trace := identity.Traceparent(c.Transaction); trace != "" {
		request.Header.Set(traceHeader, trace)
	}
	answer, err := t.Transport.RoundTrip(request)
	if err != nil {
		return t.unanswered(c.Operation, err, sent.seal())
	}
	defer func() { _ = answer.Body.Close() }()
	return t.receive(answer, c)
}

// receive fills the response, or gives the fault that the callee answered. Everything else is not an answer of ours.
func (t remote) receive(answer *http.Response, c *rpc.Outgoing) error {
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	success := answer.StatusCode == http.StatusOK && media == jsonType && answer.Header.Get(versionHeader) == version
	switch {
	case !success && (media != problemType || answer.StatusCode < 400):
		return t.strange(c.Operation, nil, "status %d with the content type %.40q", answer.StatusCode, media)
	case answer.ContentLength > maxResponse:
		return t.strange(c.Operation, nil, "an answer that is too large")
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxResponse+1))
	switch {
	case err != nil:
		return t.strange(c.Operation, err, "an answer that broke off")
	case len(body) > maxResponse:
		return t.strange(c.Operation, nil, "an answer that is too large")
	case !utf8.Valid(body):
		return t.strange(c.Operation, nil, "an answer that is not UTF-8")
	case success:
		if err := json.Unmarshal(body, c.Response); err != nil {
			reflect.ValueOf(c.Response).Elem().SetZero() // what was filled in before must not be mixed with another attempt's
			return t.strange(c.Operation, err, "an answer that is not the operation's JSON")
		}
		return nil
	}
	var problem fault.Problem
	if err := json.Unmarshal(body, &problem); err != nil {
		return t.strange(c.Operation, err, "status %d with a problem that cannot be read", answer.StatusCode)
	}
	failure, known := problem.Fault()
	if !known {
		return t.strange(c.Operation, errors.New(string(problem.Code)), "status %d with a problem without a code of ours", answer.StatusCode)
	}
	if seconds, err := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 32); err == nil {
		failure.RetryAfter = time.Duration(seconds) * time.Second
	}
	return failure
}

// onceBody is a request's body that tells whether its end has left. A callee executes nothing before it has the whole
// body, so a call whose last byte was never taken has not been executed.
type onceBody struct {
	mu     sync.Mutex
	rest   []byte
	sealed bool
}

var errSealed = errors.New("the attempt is over")

// Read implements [io.Reader].
func (b *onceBody) Read(to []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.sealed:
		return 0, errSealed
	case len(b.rest) == 0:
		return 0, io.EOF
	}
	n := copy(to, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close implements [io.Closer].
func (b *onceBody) Close() error { return nil }

// seal ends the attempt and reports whether the last byte had been taken: what was not will never be.
func (b *onceBody) seal() (taken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sealed = true
	return len(b.rest) == 0
}

// retryAfter is what a caller is told who cannot be served for want of a callee: as long as a restart takes.
const retryAfter = 2 * time.Second

// The faults here may be told to strangers, so they name no address; the log does.

// unanswered is how an attempt ended without an answer; taken says whether all of the request had left.
func (t remote) unanswered(operation string, err error, taken bool) error {
	if alerted(err, certificateAlerts) && t.Rejected != nil {
		t.Rejected()
	}
	switch {
	case !taken:
		return undelivered(rpc.NotExecuted, fmt.Errorf("%s: %w", reason(err), err), "The %s module cannot be reached.", t.Callee)
	case refused(err):
		return undelivered(rpc.NotExecuted, err, "The %s module is going away, and has not taken the request.", t.Callee)
	}
	return undelivered(rpc.Unknown, fmt.Errorf("%s: %w", reason(err), err), "The connection to the %s module was lost before its answer: it is not known whether %s was executed.",
		t.Callee, operation)
}

// strange is how an attempt ended with an answer that is not ours: what it was is for the log, and quotes nothing of the answer.
func (t remote) strange(operation string, cause error, what string, args ...any) error {
	told := fmt.Errorf(what, args...)
	err := told
	if cause != nil {
		err = fmt.Errorf("%w: %w", told, cause)
	}
	return undelivered(rpc.Unknown, err, "What answers is not the %s module as it should be: it is not known whether %s was executed.", t.Callee, operation)
}

func undelivered(executed rpc.Executed, err error, detail string, args ...any) error {
	return &rpc.UndeliveredError{Failure: fault.Retryable(retryAfter, detail, args...).Because(err), Executed: executed}
}

// streamError is how net/http shows the HTTP/2 error of a stream: errors.As fills any struct of these members.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "stream error" }

const refusedStream = 7 // REFUSED_STREAM: RFC 9113, section 7

// refused reports whether the callee said that it did not process the request (RFC 9113, section 8.7): it refused the
// stream, or its GOAWAY named an earlier one as the last. net/http has no name for the latter; where it changes the
// sentence, a test fails and the outcome is unknown.
func refused(err error) bool {
	if stream, ok := errors.AsType[streamError](err); ok {
		return stream.Code == refusedStream
	}
	return strings.HasSuffix(err.Error(), "received Server's graceful shutdown GOAWAY")
}

// The alerts that end a handshake (RFC 8446, section 6.2): because of our certificate, from bad_certificate to
// certificate_unknown, unknown_ca, access_denied and certificate_required; and because there is no HTTP/2.
var (
	certificateAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48, 49, 116}
	protocolAlerts    = []tls.AlertError{120}
)

// alerted reports whether the other side ended the connection by one of the alerts.
func alerted(err error, by []tls.AlertError) bool {
	alert, ok := errors.AsType[*net.OpError](err)
	if !ok || alert.Op != "remote error" { // how crypto/tls names what the other side says
		return false
	}
	return slices.ContainsFunc(by, func(a tls.AlertError) bool { return a.Error() == alert.Err.Error() })
}

// reason is the class of a failure, for operators.
func reason(err error) string {
	timeout, slow := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case is[*tls.CertificateVerificationError](err), is[x509.HostnameError](err):
		return "its certificate is not accepted"
	case alerted(err, certificateAlerts):
		return "it does not accept our certificate"
	case errors.Is(err, errNoHTTP2), alerted(err, protocolAlerts):
		return "it does not speak HTTP/2"
	case is[*net.DNSError](err):
		return "its name is not known"
	case slow && timeout.Timeout():
		return "timeout"
	}
	return "connection lost"
}

func is[T error](err error) bool {
	_, found := errors.AsType[T](err)
	return found
}
