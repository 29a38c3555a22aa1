package httprpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"oms/platform/fault"
)

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

// notOursError is why an answer is not one of this protocol. It is told to the caller, so it quotes nothing of the answer.
type notOursError struct {
	reason string
	cause  error // for the log
}

func (n *notOursError) Error() string {
	if n.cause == nil {
		return n.reason
	}
	return n.reason + ": " + n.cause.Error()
}

// readAnswer fills response, or gives the fault that the callee answered. The error is a *notOursError.
func readAnswer(answer *http.Response, response any) (*fault.Error, error) {
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	success := answer.StatusCode == http.StatusOK && media == jsonType && answer.Header.Get(versionHeader) == version
	if !success && (media != problemType || answer.StatusCode < 400) {
		return nil, &notOursError{fmt.Sprintf("status %d with the content type %.40q", answer.StatusCode, media), nil}
	}
	body, err := readBody(answer)
	switch {
	case err != nil:
		return nil, err
	case success:
		return nil, readResponse(body, response)
	}
	return readProblem(body, answer)
}

func readBody(answer *http.Response) ([]byte, error) {
	if answer.ContentLength > maxResponse {
		return nil, &notOursError{reason: "an answer that is too large"}
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxResponse+1))
	switch {
	case err != nil:
		return nil, &notOursError{"an answer that broke off", err}
	case len(body) > maxResponse:
		return nil, &notOursError{reason: "an answer that is too large"}
	case !utf8.Valid(body):
		return nil, &notOursError{reason: "an answer that is not UTF-8"}
	}
	return body, nil
}

func readResponse(body []byte, response any) error {
	if err := json.Unmarshal(body, response); err != nil {
		reflect.ValueOf(response).Elem().SetZero() // what was filled in before must not be mixed with another attempt's
		return &notOursError{"an answer that is not the operation's JSON", err}
	}
	return nil
}

func readProblem(body []byte, answer *http.Response) (*fault.Error, error) {
	var problem fault.Problem
	if err := json.Unmarshal(body, &problem); err != nil {
		return nil, &notOursError{fmt.Sprintf("status %d with a problem that cannot be read", answer.StatusCode), err}
	}
	failure, known := problem.Fault()
	if !known {
		return nil, &notOursError{fmt.Sprintf("status %d with a problem without a code of ours", answer.StatusCode), errors.New(string(problem.Code))}
	}
	if seconds, err := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 32); err == nil {
		failure.RetryAfter = time.Duration(seconds) * time.Second
	}
	return failure, nil
}
