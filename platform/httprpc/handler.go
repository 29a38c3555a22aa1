package httprpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/limits"
	"oms/platform/observe/sampled"
	"oms/platform/rpc"
)

// HandlerOptions are what a module's listener needs.
type HandlerOptions struct {
	Server *rpc.Server

	// Peer is the workload that the peer's certificate names, rpc.Anonymous where it has none. It is asked on every
	// request, because a connection may outlive what its certificate is worth. An error is logged and not told.
	Peer func(*tls.ConnectionState) (workload string, err error)

	Budget *limits.Budget // from which each call is paid until its answer has been read
	Log    *slog.Logger
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
	share, err := h.enter(r)
	if err != nil {
		if h.stranger(r) { // a head waits for no reader
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		sendFault(w, r, fault.From(err))
		return
	}
	defer share.Leave()
	if h.stranger(r) {
		defer func() { _ = http.NewResponseController(w).Flush() }() // else it would wait for its reader when nobody counts it any more
	}
	answer, err := h.serve(w, r, share)
	if err != nil {
		sendFault(w, r, fault.From(err))
		return
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set(versionHeader, version)
	_, _ = w.Write(answer) //nolint:gosec // JSON for another process, which renders nothing; where it fails, the caller has gone
}

// sendFault answers with problem details.
func sendFault(w http.ResponseWriter, r *http.Request, failure *fault.Error) {
	body, err := encode(failure.Problem(r.URL.Path, transactionOf(r)))
	if err != nil { // a problem is made of text and numbers
		body = nil
	}
	w.Header().Set("Content-Type", problemType)
	w.Header().Set(versionHeader, version)
	if failure.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((failure.RetryAfter+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(failure.Code.Status())
	_, _ = w.Write(body) //nolint:gosec // JSON for another process, which renders nothing; where it fails, the caller has gone
}

// stranger says whether a call comes without a certificate.
func (h *handler) stranger(r *http.Request) bool {
	return r.TLS == nil || len(r.TLS.PeerCertificates) == 0
}

// enter has a call hold its share of what this process has. Who has no certificate gets least, and no address more than
// its share of that; the other modules have bounded their clients already.
func (h *handler) enter(r *http.Request) (*limits.Share, error) {
	if h.stranger(r) {
		return h.Budget.Enter(limits.Least, limits.AddressKey(r.RemoteAddr))
	}
	rank := limits.Ordinary
	if row, found := h.Server.Host().Row(strings.TrimPrefix(r.URL.Path, pathPrefix)); found && row.Large {
		rank = limits.Dear
	} else if found && row.Retry == rpc.Idempotent {
		rank = limits.Cheap // a read, or what settles something that was begun
	}
	return h.Budget.Enter(rank, "")
}

// serve checks what is cheap first: nobody makes this process read a large body or ask a profile without a certificate.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, share *limits.Share) ([]byte, error) {
	in := &rpc.Incoming{Transport: rpc.OverHTTPS}
	in.Header, in.Transaction = r.Header, transactionOf(r)
	if operation, found := strings.CutPrefix(r.URL.Path, pathPrefix); found {
		in.Operation = operation
	}
	err := errors.New("the connection is not encrypted")
	if r.TLS != nil {
		in.Caller, err = h.Peer(r.TLS)
	}
	if err != nil {
		in.PeerError = rpc.NotProven("the certificate of the connection is not accepted by %s any more; its log has the reason", h.Server.Host().Module())
		h.tell(r, in, "the peer's certificate is not accepted", err)
		return nil, h.Server.Serve(r.Context(), in)
	}
	most := int64(maxRequest)
	if in.Caller == rpc.Anonymous {
		most = maxAnonymousRequest
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(anonymousBodyTimeout)) // HTTP/1.1 and HTTP/2 both have one
	}
	left, failure := checkHead(r, most)
	if failure != nil {
		h.tell(r, in, notACall, failure)
		return nil, failure
	}
	ctx, cancel := context.WithTimeout(r.Context(), within(left))
	defer cancel()
	message := &message{request: r, most: most, share: share}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	in.Message = message
	if row, found := h.Server.Host().Row(in.Operation); found && row.Large {
		done, err := share.Dear(ctx)
		if err != nil {
			return nil, err
		}
		defer done()
	}
	if err := h.Server.Serve(ctx, in); err != nil {
		return nil, h.told(r, in, message, err)
	}
	answer, err := encode(in.Response())
	if err == nil && cap(answer) > limits.Small {
		err = share.Take(int64(cap(answer)))
	}
	if err == nil && len(answer) > maxResponse {
		return nil, fault.New(fault.Internal, "The answer of %s is larger than %d MiB, which is the most that is sent between modules.", in.Operation, maxResponse>>20)
	}
	return answer, err
}

// told logs a refusal that no record tells about in full, and gives what the caller is told.
func (h *handler) told(r *http.Request, in *rpc.Incoming, read *message, failure error) error {
	hop := in.Record()
	switch {
	case read.broken:
		h.tell(r, in, notACall, failure)
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

const notACall = "it is not a call of this protocol"

// tell logs a refusal that no record tells about in full. What a caller makes up is not recorded.
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

// parsed is what a value becomes at most, in bytes, while it is read: the largest element of a request of ours is an item.
// Each but the first stands behind a comma.
const parsed = 128

// message is the body of a call, read when it is asked for.
type message struct {
	request *http.Request
	most    int64
	share   *limits.Share
	body    []byte // nil until it has been read
	broken  bool   // it is not a request of this protocol
}

// Digest implements [rpc.Message].
func (m *message) Digest(ctx context.Context) ([sha256.Size]byte, error) {
	if err := m.read(ctx); err != nil {
		return [sha256.Size]byte{}, err
	}
	return sha256.Sum256(m.body), nil
}

// Read implements [rpc.Message].
func (m *message) Read(ctx context.Context, op rpc.Operation) (request, response any, err error) {
	if err := m.read(ctx); err != nil {
		return nil, nil, err
	}
	request = op.NewRequest()
	if !utf8.Valid(m.body) {
		return nil, nil, m.refuse(fault.New(fault.Malformed, "The request of %s is not valid UTF-8.", op.Row().Name))
	}
	cost := parsed * int64(1+bytes.Count(m.body, []byte{','}))
	if err := m.share.Take(cost); err != nil {
		return nil, nil, err
	}
	defer m.share.Give(cost)
	if err := json.Unmarshal(m.body, request); err != nil {
		return nil, nil, m.refuse(fault.New(fault.Malformed, "The body is not a request of %s: %v.", op.Row().Name, err))
	}
	return request, op.NewResponse(), nil
}

func (m *message) read(ctx context.Context) error {
	if m.body != nil {
		return nil
	}
	body, err := m.share.ReadAll(m.request.Body, m.request.ContentLength)
	switch {
	case is[*fault.Error](err):
		return err
	case ctx.Err() != nil:
		return m.refuse(fault.From(ctx.Err()))
	case is[*http.MaxBytesError](err):
		return m.refuse(tooLarge(m.most))
	case err != nil:
		return m.refuse(fault.New(fault.Malformed, "The request ended before its end.").Because(err))
	}
	m.body = body
	return nil
}

func (m *message) refuse(failure *fault.Error) error {
	m.broken = true
	return failure
}
