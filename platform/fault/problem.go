package fault

import (
	"net/http"
	"strings"
)

// Problem is a fault as it travels: problem details (RFC 9457). RetryAfter travels beside it, in the Retry-After
// header.
type Problem struct {
	Type     string  `json:"type"` // the fault's Type, or about:blank (RFC 9457 section 4.2.1)
	Title    string  `json:"title"`
	Status   int     `json:"status"`
	Detail   string  `json:"detail,omitempty"`
	Instance string  `json:"instance,omitempty"` // the path of the request
	Code     Code    `json:"code"`
	TraceID  string  `json:"trace_id,omitempty"`
	Errors   []Field `json:"errors,omitempty"`
}

const untyped = "about:blank"

// Problem is the fault for a response to a request for instance that is traced as traceID. The cause is left out.
func (e *Error) Problem(instance, traceID string) Problem {
	p := Problem{
		Type: untyped, Status: e.Code.Status(), Detail: e.Detail, Instance: instance,
		Code: e.Code, TraceID: traceID, Errors: e.Fields,
	}
	p.Title = http.StatusText(p.Status)
	if p.Title == "" { // 499 is nobody's standard
		p.Title = "Client Closed Request"
	}
	if e.Type != "" {
		p.Type = e.Type
		p.Title = strings.ToUpper(e.Type[:1]) + strings.ReplaceAll(e.Type[1:], "-", " ")
	}
	return p
}

// Fault rebuilds the fault from its code, never from the status: what a proxy answered is not a fault of ours.
// ok is false where the code is not on the list.
func (p Problem) Fault() (e *Error, ok bool) {
	e = &Error{Code: p.Code, Detail: p.Detail, Fields: p.Errors}
	if p.Type != untyped {
		e.Type = p.Type
	}
	return e, p.Code.Known()
}
