package httprpc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
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
func (t remote) unanswered(operation string, err error, taken bool) *rpc.UndeliveredError {
	if alerted(err, certificateAlerts) && t.Rejected != nil {
		t.Rejected()
	}
	switch {
	case !taken:
		return &rpc.UndeliveredError{Failure: fault.Retryable(retryAfter, "The %s module cannot be reached: %s.", t.Callee, reason(err)).Because(err), Executed: rpc.NotExecuted}
	case refused(err):
		return &rpc.UndeliveredError{Failure: fault.Retryable(retryAfter, "The %s module is going away, and has not taken the request.", t.Callee).Because(err), Executed: rpc.NotExecuted}
	}
	return &rpc.UndeliveredError{
		Failure: fault.Retryable(retryAfter, "The connection to the %s module was lost before its answer (%s): it is not known whether %s was executed.",
			t.Callee, reason(err), operation).Because(err),
		Executed: rpc.Unknown,
	}
}

// strange is the fault for an answer that is not ours.
func (t remote) strange(operation string, err error) *fault.Error {
	told := "an answer that is not ours"
	var not *notOursError
	if errors.As(err, &not) {
		told = not.reason
	}
	return fault.Retryable(retryAfter, "What answers is not the %s module as it should be (%s): it is not known whether %s was executed.",
		t.Callee, told, operation).Because(err)
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
	var stream streamError
	if errors.As(err, &stream) {
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
	var alert *net.OpError
	if !errors.As(err, &alert) || alert.Op != "remote error" { // how crypto/tls names what the other side says
		return false
	}
	return slices.ContainsFunc(by, func(a tls.AlertError) bool { return a.Error() == alert.Err.Error() })
}

// reason is the class of a failure: what may be told of it.
func reason(err error) string {
	var verification *tls.CertificateVerificationError
	var host x509.HostnameError
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &verification), errors.As(err, &host):
		return "its certificate is not accepted"
	case alerted(err, certificateAlerts):
		return "it does not accept our certificate"
	case errors.Is(err, errNoHTTP2), alerted(err, protocolAlerts):
		return "it does not speak HTTP/2"
	case errors.As(err, &dns):
		return "its name is not known"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "connection lost"
}
