package web

import (
	"net/http"
	"strconv"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
)

// explained says in plain words what a kind of failure means to somebody who is not signed in.
var explained = map[fault.Code]string{
	fault.PermissionDenied: "You may not do this",
	fault.TooLarge:         "That is too much at once",
	fault.RateLimited:      "Slow down a little",
	fault.Unavailable:      "We cannot answer right now",
	fault.DeadlineExceeded: "That took too long",
}

// ShowFault writes the page that explains a failure, with its trace id. Nothing that a fault keeps to itself is shown.
func ShowFault(w http.ResponseWriter, r *http.Request, err error) {
	failure := fault.From(err)
	title, known := explained[failure.Code]
	if !known {
		title = "Something went wrong on our side"
	}
	if failure.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(failure.RetryAfter/time.Second)))
	}
	action := "Go to the sign-in page"
	if failure.Code == fault.Unavailable || failure.Code == fault.DeadlineExceeded {
		action = "Try again"
	}
	problem := Problem{
		Status: failure.Code.Status(), Title: title, Text: failure.Detail, Action: action, ActionURL: "/oauth2/sign-in",
		TraceID: identity.From(r.Context()).Transaction,
	}
	if err := Render(w, r, problem.Status, "problem", problem); err != nil {
		http.Error(w, title, problem.Status) // without the page its title still stands
	}
}
