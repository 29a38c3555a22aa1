package web

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
)

// SignIn is the data of the page "sign-in", which posts name, password and next to /oauth2/sign-in.
type SignIn struct {
	Next    string // where to go afterwards; only ever a path of ours
	Name    string // what was typed before
	Problem string // why signing in did not work
	Ended   string // what became of the session that was there
	Cards   []Card // accounts of the demo, one click away
	Exposed bool   // others than this machine can use them
	NoUsers bool   // nobody can sign in yet
}

// Card is an account of the demo, with what it may do in plain words.
type Card struct {
	Name, FullName, Password string
	May                      []string
}

// Framed implements [Page].
func (SignIn) Framed() Frame { return Frame{Title: "Sign in"} }

// Problem is the data of the page "problem": what happened, and what to do now.
type Problem struct {
	Status    int
	Title     string
	Text      string
	Action    string // what the button says; "" is no button
	ActionURL string
	TraceID   string
	Frame     Frame // of somebody who is signed in; the title is that of the problem
}

// Framed implements [Page].
func (p Problem) Framed() Frame {
	p.Frame.Title = cmp.Or(p.Title, http.StatusText(p.Status))
	return p.Frame
}

// Explained is the data of the page "explained": what a type of problem means.
type Explained struct {
	Title  string
	Means  []string
	Status int // with which it is answered
	By     []Answering
}

// Answering is what answers a type of problem: "POST /order", and what that does.
type Answering struct{ Request, Summary string }

// Framed implements [Page].
func (e Explained) Framed() Frame { return Frame{Title: e.Title} }

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
