package httprpc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
)

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
		return undelivered(rpc.NotExecuted, err, "The %s module cannot be reached: %s.", t.Callee, reason(err))
	case refused(err):
		return undelivered(rpc.NotExecuted, err, "The %s module is going away, and has not taken the request.", t.Callee)
	}
	return undelivered(rpc.Unknown, err, "The connection to the %s module was lost before its answer (%s): it is not known whether %s was executed.",
		t.Callee, reason(err), operation)
}

// strange is how an attempt ended with an answer that is not ours. The caller is told what it was, so that quotes nothing of
// the answer; the cause, where there is one, is for the log.
func (t remote) strange(operation string, cause error, what string, args ...any) error {
	told := fmt.Errorf(what, args...)
	err := told
	if cause != nil {
		err = fmt.Errorf("%w: %w", told, cause)
	}
	return undelivered(rpc.Unknown, err, "What answers is not the %s module as it should be (%s): it is not known whether %s was executed.", t.Callee, told, operation)
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

// reason is the class of a failure: what may be told of it.
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
