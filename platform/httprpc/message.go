package httprpc

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"unicode/utf8"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// message is the body of a call, read when it is asked for.
type message struct {
	request *http.Request
	most    int64
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
	if err := json.Unmarshal(m.body, request); err != nil {
		return nil, nil, m.refuse(fault.New(fault.Malformed, "The body is not a request of %s: %v.", op.Row().Name, err))
	}
	return request, op.NewResponse(), nil
}

func (m *message) read(ctx context.Context) error {
	if m.body != nil {
		return nil
	}
	body, err := io.ReadAll(m.request.Body)
	var limit *http.MaxBytesError
	switch {
	case ctx.Err() != nil:
		return m.refuse(fault.From(ctx.Err()))
	case errors.As(err, &limit):
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

// encodeAnswer is the answer of a call that was executed, as it travels.
func encodeAnswer(in *rpc.Incoming) ([]byte, error) {
	answer, err := encode(in.Response())
	if err == nil && len(answer) > maxResponse {
		return nil, fault.New(fault.Internal, "The answer of %s is larger than %d MiB, which is the most that is sent between modules.", in.Operation, maxResponse>>20)
	}
	return answer, err
}
