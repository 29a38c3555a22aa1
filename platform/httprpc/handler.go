package httprpc

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/observe/sampled"
	"oms/platform/rpc"
)

// HandlerOptions are what a module's listener needs.
type HandlerOptions struct {
	Server *rpc.Server

	// Peer is the workload that the peer's certificate names, rpc.Anonymous where it has none. It is asked on every
	// request, because a connection may outlive what its certificate is worth. An error is logged and not told.
	Peer func(*tls.ConnectionState) (workload string, err error)

	Log *slog.Logger
}

// NewHandler serves operations to other processes. A workload without a proof learns nothing about what is
// here: whether an operation exists is answered after the proof has been checked. Anonymous callers, where any are let in, can
// learn the names of operations, and nothing else of those that do not list them.
func NewHandler(o HandlerOptions) http.Handler {
	return &handler{o, sampled.New(o.Log, time.Now)}
}

type handler struct {
	HandlerOptions
	anonymous *sampled.Log // what anybody without a certificate can cause
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := h.serve(w, r)
	if err != nil {
		sendFault(w, r, fault.From(err))
		return
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set(versionHeader, version)
	_, _ = w.Write(answer) //nolint:gosec // JSON for another process, which renders nothing; where it fails, the caller has gone
}

// serve checks what is cheap first: nobody makes this process read a large body or ask a profile without a certificate.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	operation, _ := strings.CutPrefix(r.URL.Path, pathPrefix)
	if operation == r.URL.Path {
		operation = ""
	}
	in := &rpc.Incoming{Transport: rpc.OverHTTPS}
	in.Operation, in.Header, in.Transaction = operation, r.Header, transactionOf(r)
	if err := h.peer(r, in); err != nil {
		in.PeerError = rpc.NotProven("the certificate of the connection is not accepted by %s any more; its log has the reason", h.Server.Host().Module())
		h.tell(r, in, "the peer's certificate is not accepted", err)
		return nil, h.Server.Serve(r.Context(), in)
	}
	most := mostOf(in.Caller)
	left, failure := checkHead(r, most)
	if failure != nil {
		return nil, h.broken(r, in, failure)
	}
	ctx, cancel := context.WithTimeout(r.Context(), within(left))
	defer cancel()
	message := &message{request: r, most: most}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	in.Message = message
	err := h.Server.Serve(ctx, in)
	if err == nil {
		return encodeAnswer(in)
	}
	return nil, h.told(r, in, message, err)
}

// peer establishes which workload is at the other end of the connection.
func (h *handler) peer(r *http.Request, in *rpc.Incoming) (err error) {
	if r.TLS == nil {
		return errors.New("the connection is not encrypted")
	}
	in.Caller, err = h.Peer(r.TLS)
	return err
}

// told logs a refusal that no Decision tells about in full, and gives what the caller is told.
func (h *handler) told(r *http.Request, in *rpc.Incoming, read *message, failure error) error {
	hop := in.Record()
	switch {
	case read.broken:
		return h.broken(r, in, failure)
	case hop.Reason == rpc.Challenged:
		h.Log.InfoContext(r.Context(), "a caller is asked for another proof", "operation", in.Operation, "peer", in.Caller, "proof", hop.Proof, "reason", fault.From(failure).Detail)
	case hop.Reason == rpc.NotVerified:
		h.tell(r, in, "its proof does not hold", hop.Err, "proof", hop.Proof)
	case hop.Reason == "" && in.Operation == "" && fault.CodeOf(failure) == fault.NotFound:
		return fault.New(fault.NotFound, "There is nothing at %s: operations are at %s<name>.", r.URL.Path, pathPrefix)
	}
	return failure
}

// checkHead judges the head of a request: none of it depends on what is served here.
func checkHead(r *http.Request, most int64) (left time.Duration, failure *fault.Error) {
	switch spoken := r.Header.Get(versionHeader); {
	case spoken != version:
		return 0, fault.New(fault.Unimplemented, "This process speaks version %s of the protocol between modules, the call is in version %q: run the same release on both sides.", version, spoken)
	case r.Method != http.MethodPost:
		return 0, fault.New(fault.MethodNotAllowed, "Operations are called with POST.")
	case r.ContentLength > most:
		return 0, tooLarge(most)
	}
	return timeoutOf(r.Header)
}

func tooLarge(most int64) *fault.Error {
	if most < 1<<20 {
		return fault.New(fault.TooLarge, "The request is larger than %d KiB, which is the most that is read of a stranger.", most>>10)
	}
	return fault.New(fault.TooLarge, "The request is larger than %d MiB, which is the most that is sent between modules.", most>>20)
}

// mostOf is how many bytes a request may have.
func mostOf(caller string) int64 {
	if caller == rpc.Anonymous {
		return maxAnonymousRequest
	}
	return maxRequest
}

// broken logs a call that is not one of this protocol, and gives its failure back.
func (h *handler) broken(r *http.Request, in *rpc.Incoming, failure error) error {
	h.tell(r, in, "it is not a call of this protocol", failure)
	return failure
}

// tell logs a refusal that no Decision tells about in full. What a caller makes up is not recorded.
func (h *handler) tell(r *http.Request, in *rpc.Incoming, what string, reason error, more ...any) {
	operation, write := in.Operation, h.Log.Log
	if _, found := h.Server.Host().Row(operation); !found {
		operation = "unknown"
	}
	if in.Caller == rpc.Anonymous {
		write = h.anonymous.Log
	}
	args := []any{"module", h.Server.Host().Module(), "operation", operation, "peer", in.Caller, "address", r.RemoteAddr, "trace_id", in.Transaction}
	write(r.Context(), slog.LevelWarn, "a call was refused: "+what, slices.Concat(args, more, []any{"reason", reason.Error()})...)
}

// transactionOf is the transaction id that came with a call.
func transactionOf(r *http.Request) string {
	if values := r.Header[traceHeader]; len(values) == 1 {
		return identity.FromTraceparent(values[0])
	}
	return ""
}
