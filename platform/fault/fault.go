// Package fault holds the one error type that crosses module boundaries, and its closed list of codes.
//
// A fault looks the same whether the module that raised it lives in this process or in another one: what a caller
// reads (Code, Type, Detail, Fields, RetryAfter) survives the wire, and what it must not read (the cause) does not.
// The package maps codes to HTTP statuses and to nothing else; it writes no response.
package fault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Code says what kind of failure this is. The list is closed: it is appended to, and an entry never changes.
type Code string

// The codes. The HTTP status that each stands for is in [Code.Status].
const (
	Malformed          Code = "malformed"           // not JSON, duplicate members, a bad parameter
	InvalidArgument    Code = "invalid_argument"    // well-formed and invalid; Fields names every problem
	Unauthenticated    Code = "unauthenticated"     // no credential, or one that does not hold
	PermissionDenied   Code = "permission_denied"   // a good credential without the right
	NotFound           Code = "not_found"           // not there, or not for this caller to see
	MethodNotAllowed   Code = "method_not_allowed"  // the path exists, the method does not
	Conflict           Code = "conflict"            // Type names which: order-exists, out-of-stock, ...
	PreconditionFailed Code = "precondition_failed" // a stated expectation does not hold
	TooLarge           Code = "too_large"           // the body exceeds its limit
	UnsupportedMedia   Code = "unsupported_media"   // the body is not declared as JSON
	RateLimited        Code = "rate_limited"        // too often; RetryAfter says when again
	Canceled           Code = "canceled"            // the caller went away
	Internal           Code = "internal"            // a defect here; the log has the cause
	Unimplemented      Code = "unimplemented"       // the callee does not know the operation
	Unavailable        Code = "unavailable"         // not now; RetryAfter says when again
	DeadlineExceeded   Code = "deadline_exceeded"   // no answer in the time given; the outcome may be unknown
)

// statuses is the one place where codes become HTTP statuses.
var statuses = map[Code]int{
	Malformed: 400, InvalidArgument: 422, Unauthenticated: 401, PermissionDenied: 403, NotFound: 404,
	MethodNotAllowed: 405, Conflict: 409, PreconditionFailed: 412, TooLarge: 413, UnsupportedMedia: 415,
	RateLimited: 429, Canceled: 499, Internal: 500, Unimplemented: 501, Unavailable: 503, DeadlineExceeded: 504,
}

// Status is the HTTP status of the code; an unknown code is an internal failure, 500.
func (c Code) Status() int {
	if status, known := statuses[c]; known {
		return status
	}
	return statuses[Internal]
}

// Codes are all of them, by status.
func Codes() []Code {
	return slices.SortedFunc(maps.Keys(statuses), func(a, b Code) int { return cmp.Compare(a.Status(), b.Status()) })
}

// Known reports whether the code is on the list.
func (c Code) Known() bool { _, known := statuses[c]; return known }

// Error is a failure as its caller sees it. An Error is immutable once it is returned; it is safe for concurrent use.
type Error struct {
	Code       Code
	Type       string        // refines Conflict: the last part of the problem's type, such as "out-of-stock"
	Detail     string        // one sentence for people: what is wrong and what to do
	Fields     []Field       // every problem of the input, or every short item
	RetryAfter time.Duration // when trying again makes sense; 0 says nothing
	cause      error         // for the log of this process alone: never told to a caller
}

// New makes a fault. detail is a format for [fmt.Sprintf] and must hold nothing secret.
func New(code Code, detail string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(detail, args...)}
}

// Kind is a conflict that has a name.
type Kind struct {
	Name  string // "out-of-stock"
	Means string // what has happened, and what to do, for whoever looks it up: some sentences
}

// Title is its name as a title: "Out of stock".
func (k Kind) Title() string {
	if k.Name == "" {
		return ""
	}
	return strings.ToUpper(k.Name[:1]) + strings.ReplaceAll(k.Name[1:], "-", " ")
}

// Conflicting makes a Conflict of the given kind.
func Conflicting(kind Kind, detail string, args ...any) *Error {
	e := New(Conflict, detail, args...)
	e.Type = kind.Name
	return e
}

// Invalid makes an InvalidArgument that names every problem.
func Invalid(fields ...Field) *Error {
	return &Error{Code: InvalidArgument, Detail: "The request is well-formed but not valid; each problem is listed in errors.", Fields: fields}
}

// Retryable makes an Unavailable fault that asks the caller to come back after the given time, told in whole seconds.
func Retryable(after time.Duration, detail string, args ...any) *Error {
	e := New(Unavailable, detail, args...)
	e.RetryAfter = max(time.Second, (after + time.Second - 1).Truncate(time.Second))
	return e
}

// Because keeps err as the cause, for this process's log.
func (e *Error) Because(err error) *Error {
	with := *e
	with.cause = err
	return &with
}

// With adds fields.
func (e *Error) With(fields ...Field) *Error {
	with := *e
	with.Fields = append(append([]Field(nil), e.Fields...), fields...)
	return &with
}

// Error is for logs: it includes the cause.
func (e *Error) Error() string {
	text := string(e.Code)
	if e.Type != "" {
		text += " (" + e.Type + ")"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.cause != nil {
		text = strings.TrimSuffix(text, ".") + ": " + e.cause.Error()
	}
	return text
}

// Unwrap is the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// From turns any error into a fault: faults stay what they are, context errors become Canceled and DeadlineExceeded,
// and everything else is Internal with the error as its cause. From(nil) is nil.
func From(err error) *Error {
	known, isFault := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return nil
	case isFault:
		return known
	case errors.Is(err, context.DeadlineExceeded):
		return New(DeadlineExceeded, "There was no answer in time; the request may or may not have taken effect.").Because(err)
	case errors.Is(err, context.Canceled):
		return New(Canceled, "The caller went away before the answer.").Because(err)
	}
	return New(Internal, "Something went wrong on our side; quote the trace id when you report it.").Because(err)
}

// CodeOf is the code of err as [From] would give it, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return From(err).Code
}

// Public is the fault as it leaves its module: without the cause.
func (e *Error) Public() *Error {
	public := *e
	public.cause = nil
	return &public
}

// unsaidRetry is for who does not say when to come back.
const unsaidRetry = 2 * time.Second

// ToldRetry is after how long a client is told to come back; 0 where it is not told.
func (e *Error) ToldRetry() time.Duration {
	if e.RetryAfter == 0 && (e.Code == Unavailable || e.Code == RateLimited) {
		return unsaidRetry
	}
	return e.RetryAfter
}
