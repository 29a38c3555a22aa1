package web

import (
	"cmp"
	"net/http"
)

// SignIn is the data of the page "sign-in", which posts name, password and next to /oauth2/sign-in.
type SignIn struct {
	Next    string // where to go afterwards; only ever a path of ours
	Name    string // what was typed before
	Problem string // why signing in did not work
	Ended   bool   // a session was there, and is over
	Cards   []Card // accounts of the demo, one click away
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
