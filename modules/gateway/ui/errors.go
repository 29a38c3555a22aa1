package ui

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"oms/modules/order"
	"oms/platform/fault"
	"oms/web"
)

// errSignedOut is the refusal of visitors without a session.
var errSignedOut = errors.New("nobody is signed in")

// signInPath is the page of the STS that makes a session.
const signInPath = "/oauth2/sign-in"

// explanation is what a page says about a failure: what happened, and what to do.
type explanation struct{ title, text, action, url string }

// explanations by code. What is not here is explained as internal.
var explanations = map[fault.Code]explanation{
	fault.Malformed: {"That request does not make sense",
		"The form or the address was not complete, or held something twice. Go back, reload the page, and try again.", "Go to the shop", "/ui/"},
	fault.InvalidArgument: {"Something does not fit",
		"One of the values was not accepted. Go back and check what you typed.", "Go to the shop", "/ui/"},
	fault.PermissionDenied: {"You may not do this",
		"Your account does not have the right for it. Somebody who looks after orders can do it for you.", "See the orders", "/ui/orders"},
	fault.NotFound: {"There is nothing here",
		"The address may be mistyped, or what it led to is gone, or is not yours to see.", "Go to the shop", "/ui/"},
	fault.MethodNotAllowed: {"This page cannot be used like that",
		"It is meant to be reached through its form or link.", "Go to the shop", "/ui/"},
	fault.TooLarge: {"That is too much at once",
		"The form was larger than we accept. Nothing was changed.", "Go to the basket", "/ui/basket"},
	fault.UnsupportedMedia: {"That is not one of our forms",
		"The request did not look like a form of this site. Nothing was changed.", "Go to the shop", "/ui/"},
	fault.RateLimited: {"Slow down a little",
		"There were too many requests in a short time. Wait a moment, then try again.", "Go to the shop", "/ui/"},
	fault.Unavailable: {"We cannot answer right now",
		"A part of the system is away or still starting. It usually takes a few seconds; then try again.", "Try again", ""},
	fault.DeadlineExceeded: {"That took too long",
		"There was no answer in time. Try again in a moment.", "Try again", ""},
	fault.Internal: {"Something went wrong on our side",
		"It is not your fault, and it is in our log. If it happens again, tell us the trace id below.", "Go to the shop", "/ui/"},
}

// conflicts by type.
var conflicts = map[string]explanation{
	order.IllegalTransition.Name: {"This order cannot be changed any more",
		"It has moved on since you opened the page: only confirmed orders can be changed or cancelled.", "See the order", ""},
	order.UpdateInProgress.Name: {"Another change is under way",
		"Somebody has just changed this order, and the stock has not answered yet. Look at it again in a moment, then repeat your change.", "See the order", ""},
}

// ShowFault answers with what went wrong: the sign-in page where a session is missing, else a page that explains it.
func (p *Pages) ShowFault(w http.ResponseWriter, r *http.Request, err error) {
	q, failure := p.failed(w, r, err), fault.From(err)
	switch {
	case errors.Is(err, errSignedOut):
		http.Redirect(w, r, signInPath+"?"+url.Values{"next": {q.here()}}.Encode(), http.StatusSeeOther)
		return
	case failure.Code == fault.Unauthenticated:
		http.Redirect(w, r, signInPath+"?"+url.Values{"next": {q.here()}, "ended": {"1"}}.Encode(), http.StatusSeeOther)
		return
	}
	q.retryAfter(failure)
	told := q.explain(failure)
	page := web.Problem{
		Status: failure.Code.Status(), Title: told.title, Text: told.text, Action: told.action, ActionURL: told.url, TraceID: q.trace(),
		Frame: q.frame("", ""),
	}
	if err := q.show(page.Status, "problem", page); err != nil {
		q.Log.ErrorContext(q.ctx(), "the page that explains a failure failed", "trace_id", q.trace(), "cause", err)
		http.Error(w, told.title, page.Status)
	}
}

// failed is the request that has failed, with whoever is signed in: the page is the same for all, only its header knows.
// Another site does not learn who that is.
func (p *Pages) failed(w http.ResponseWriter, r *http.Request, err error) *request {
	if begun, found := errors.AsType[*failedError](err); found {
		return begun.request
	}
	q := &request{Pages: p, w: w, r: r}
	if fault.CodeOf(err) != fault.PermissionDenied {
		_ = q.enter() // nobody is signed in, or it cannot be known
	}
	return q
}

// explain finds the words for a failure.
func (q *request) explain(failure *fault.Error) explanation {
	told, known := explanations[failure.Code]
	if failure.Code == fault.Conflict {
		told, known = conflicts[failure.Type]
	}
	if !known {
		told = explanations[fault.Internal]
	}
	switch {
	case told.url != "":
	case q.r.PathValue("id") != "":
		told.url = orderPath(q.r.PathValue("id"))
	default:
		told.url = q.here()
	}
	return told
}

// retryAfter tells when to come back, in seconds; 0 is any time. Where there was no answer in time, people can send the
// very same form again.
func (q *request) retryAfter(failure *fault.Error) int64 {
	after := failure.ToldRetry()
	if after == 0 && failure.Code == fault.DeadlineExceeded {
		after = 2 * time.Second
	}
	seconds := int64(after / time.Second)
	if seconds > 0 {
		q.w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	return seconds
}
