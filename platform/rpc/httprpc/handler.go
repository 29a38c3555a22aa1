package httprpc

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/refusal"
	"oms/platform/rpc"
	"oms/platform/trust"
)

// HandlerOptions are what a module's listener needs.
type HandlerOptions struct {
	Host    *rpc.Host
	Profile trust.Profile

	// Peer is the workload that the peer's certificate names, rpc.Stranger where it has none. It is asked on every
	// request, because a connection may outlive what its certificate is worth. An error is logged and not told.
	Peer func(*tls.ConnectionState) (workload string, err error)

	Log *slog.Logger
}

// NewHandler serves the host's operations to other processes. A workload without a proof learns nothing about what is
// here: whether an operation exists is answered after the proof has been checked. Strangers, where any are let in, can
// learn the names of operations, and nothing else of those that do not list them.
func NewHandler(o HandlerOptions) http.Handler {
	return &handler{o, refusal.New(o.Log, time.Now)}
}

type handler struct {
	HandlerOptions
	strangers *refusal.Log // what anybody without a certificate can cause
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

// incoming is one call on its way in.
type incoming struct {
	trust.Call
	transaction string
	body        []byte // nil until it has been read
}

// most is how many bytes the request may have.
func (in *incoming) most() int64 {
	if in.Caller == rpc.Stranger {
		return maxStrangersRequest
	}
	return maxRequest
}

// serve checks what is cheap first: nobody makes this process read a large body or ask a profile without a certificate.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil { // the host contains what a service does; this is about the proof
			h.Log.Error("serving a call panicked", "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fault.From(errors.New("a panic"))
		}
	}()
	operation := ""
	if named, found := strings.CutPrefix(r.URL.Path, pathPrefix); found {
		operation = named
	}
	in := &incoming{transaction: transactionOf(r)}
	in.Call = trust.Call{Operation: operation, Callee: h.Host.Module(), Header: r.Header}
	if in.Caller, err = h.peer(r, in); err != nil {
		return nil, err
	}
	left, failure := checkHead(r, in.most())
	if failure != nil {
		return nil, h.broken(r, in, failure)
	}
	ctx, cancel := context.WithTimeout(r.Context(), within(left))
	defer cancel()
	r.Body = http.MaxBytesReader(w, r.Body, in.most())
	grant, err := h.authorize(ctx, r, in)
	if err != nil {
		return nil, err
	}
	request, err := decode(ctx, r, grant, in)
	if err != nil {
		return nil, h.broken(r, in, err)
	}
	answer, err = perform(ctx, grant, request, in)
	if ended := ctx.Err(); ended != nil {
		return nil, fault.From(ended)
	}
	return answer, err
}

// peer is the workload at the other end of the connection.
func (h *handler) peer(r *http.Request, in *incoming) (string, error) {
	workload, err := "", errors.New("the connection is not encrypted")
	if r.TLS != nil {
		workload, err = h.Peer(r.TLS)
	}
	if err != nil {
		h.Host.NotProven(r.Context(), in.Operation, workload, in.transaction, trust.ByCertificate)
		h.tell(r, in, "the peer's certificate is not accepted", err)
		return "", trust.NotProven("the certificate of the connection is not accepted by %s any more; its log has the reason", h.Host.Module())
	}
	return workload, nil
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

// authorize checks the proof and then the right. The body is read before only where the proof may cover it.
func (h *handler) authorize(ctx context.Context, r *http.Request, in *incoming) (rpc.Grant, error) {
	if row, _ := h.Host.Row(in.Operation); trust.ByProfile(row, in.Caller) {
		if err := in.read(ctx, r); err != nil {
			return rpc.Grant{}, h.broken(r, in, err)
		}
		in.Digest = sha256.Sum256(in.body)
	}
	proven, err := trust.Establish(ctx, h.Host, h.Profile, &in.Call, in.transaction)
	if refusal := fault.From(err); err != nil && trust.Challenge(refusal) {
		h.Log.InfoContext(ctx, "a caller is asked for another proof", "operation", in.Operation, "peer", in.Caller, "proof", h.Profile.Name(), "reason", refusal.Detail)
		return rpc.Grant{}, err
	}
	if err != nil {
		h.tell(r, in, "its proof does not hold", err, "proof", h.Profile.Name())
		return rpc.Grant{}, err
	}
	if in.Operation == "" {
		return rpc.Grant{}, fault.New(fault.NotFound, "There is nothing at %s: operations are at %s<name>.", r.URL.Path, pathPrefix)
	}
	return h.Host.Authorize(ctx, in.Operation, proven)
}

func (in *incoming) read(ctx context.Context, r *http.Request) error {
	if in.body != nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	var limit *http.MaxBytesError
	switch {
	case ctx.Err() != nil:
		return fault.From(ctx.Err())
	case errors.As(err, &limit):
		return tooLarge(in.most())
	case err != nil:
		return fault.New(fault.Malformed, "The request ended before its end.").Because(err)
	}
	in.body = body
	return nil
}

// broken logs a call that is not one of this protocol, and gives its failure back.
func (h *handler) broken(r *http.Request, in *incoming, failure error) error {
	h.tell(r, in, "it is not a call of this protocol", failure)
	return failure
}

// tell logs a refusal that no Decision tells about in full. What a caller makes up is not recorded.
func (h *handler) tell(r *http.Request, in *incoming, what string, reason error, more ...any) {
	operation, write := in.Operation, h.Log.Log
	if _, found := h.Host.Row(operation); !found {
		operation = "unknown"
	}
	if in.Caller == rpc.Stranger {
		write = h.strangers.Tell
	}
	args := []any{"module", h.Host.Module(), "operation", operation, "peer", in.Caller, "address", r.RemoteAddr, "trace_id", in.transaction}
	write(r.Context(), slog.LevelWarn, "a call was refused: "+what, slices.Concat(args, more, []any{"reason", reason.Error()})...)
}

// decode gives the request of a granted call.
func decode(ctx context.Context, r *http.Request, grant rpc.Grant, in *incoming) (request any, err error) {
	if err := in.read(ctx, r); err != nil {
		return nil, err
	}
	request = grant.NewRequest()
	if !utf8.Valid(in.body) {
		return nil, fault.New(fault.Malformed, "The request of %s is not valid UTF-8.", in.Operation)
	}
	if err := json.Unmarshal(in.body, request); err != nil {
		return nil, fault.New(fault.Malformed, "The body is not a request of %s: %v.", in.Operation, err)
	}
	return request, nil
}

// perform performs the call and encodes the answer.
func perform(ctx context.Context, grant rpc.Grant, request any, in *incoming) ([]byte, error) {
	response := grant.NewResponse()
	if err := grant.Call(ctx, request, response); err != nil {
		failure := *fault.From(err)
		if trust.Refused(&failure) { // of a call that the service made: this one has been executed, and its proof was good
			failure.Type = ""
		}
		return nil, &failure
	}
	answer, err := encode(response)
	if err == nil && len(answer) > maxResponse {
		return nil, fault.New(fault.Internal, "The answer of %s is larger than %d MiB, which is the most that is sent between modules.", in.Operation, maxResponse>>20)
	}
	return answer, err
}

// transactionOf is the transaction id that came with a call.
func transactionOf(r *http.Request) string {
	if values := r.Header[traceHeader]; len(values) == 1 {
		return identity.FromTraceparent(values[0])
	}
	return ""
}
