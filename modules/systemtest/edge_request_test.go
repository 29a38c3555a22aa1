package systemtest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/identity"
)

// reply is a whole answer.
type reply struct {
	status int
	header http.Header
	body   string
	proto  int
}

// option changes a request before it is sent.
type option func(*http.Request)

func bearer(token string) option {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func header(name, value string) option {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func body(text string) option {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		if r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", "application/json")
		}
	}
}

// do sends a request over HTTP/2.
func (e *edge) do(method, path string, options ...option) reply {
	e.Helper()
	return e.doWith(e.client, method, path, options...)
}

func (e *edge) doWith(client *http.Client, method, path string, options ...option) reply {
	e.Helper()
	r, err := http.NewRequest(method, "https://localhost"+path, nil)
	if err != nil {
		e.Fatal(err)
	}
	for _, set := range options {
		set(r)
	}
	answer, err := client.Do(r)
	if err != nil {
		e.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		e.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{answer.StatusCode, answer.Header, string(text), answer.ProtoMajor}
}

// token is a real edge access token of a user: with all of the user's scopes, or with these.
func (e *edge) token(user string, scopes ...string) string {
	e.Helper()
	request := sts.IssueTokenRequest{User: user, Lifetime: 10 * time.Minute, Issuer: e.config.Server.PublicURL, Audience: e.config.Server.PublicURL}
	if scopes != nil {
		request.Scopes = append(identity.Scopes{}, identity.NewScopes(scopes...)...)
	}
	issued, err := sts.IssueToken.Call(e.Context(), e.operators(), request)
	if err != nil {
		e.Fatal(err)
	}
	return issued.Token.Reveal()
}

// wants fails the test unless the answer has the status.
func (e *edge) wants(got reply, status int) reply {
	e.Helper()
	if got.status != status {
		e.Fatalf("answered %d %s, want %d", got.status, got.body, status)
	}
	return got
}

// problem is an error's body with every member that it may have.
type problem struct {
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Detail   string       `json:"detail"`
	Instance string       `json:"instance"`
	Code     string       `json:"code"`
	TraceID  string       `json:"trace_id"`
	Errors   []fieldError `json:"errors"`
}

type fieldError struct {
	Detail    string `json:"detail"`
	Pointer   string `json:"pointer"`
	Requested *int64 `json:"requested"`
	Available *int64 `json:"available"`
}

// wantsProblem fails the test unless the answer is problem details of this status and code, as RFC 9457 has them.
func (e *edge) wantsProblem(got reply, status int, code string) problem {
	e.Helper()
	e.wants(got, status)
	var p problem
	decoder := json.NewDecoder(strings.NewReader(got.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		e.Fatalf("not a problem: %v: %q", err, got.body)
	}
	switch {
	case got.header.Get("Content-Type") != "application/problem+json":
		e.Errorf("content type %q", got.header.Get("Content-Type"))
	case p.Status != status || p.Code != code:
		e.Errorf("problem %+v, want status %d and code %s", p, status, code)
	case p.Type == "" || p.Title == "" || p.Detail == "" || len(p.TraceID) != 32 || !strings.HasPrefix(p.Instance, "/"):
		e.Errorf("problem %+v lacks a member", p)
	case strings.HasSuffix(got.body, "\n"):
		e.Error("ends in a newline")
	case got.header.Get("Cache-Control") != "no-store":
		e.Errorf("Cache-Control %q", got.header.Get("Cache-Control"))
	}
	return p
}

// wantsRefusal fails the test unless the answer is 401 or 403 without a body, with this challenge.
func (e *edge) wantsRefusal(got reply, status int, challenge string) {
	e.Helper()
	if got.status != status || got.body != "" || got.header.Get("WWW-Authenticate") != challenge {
		e.Errorf("answered %d %q with %q, want %d and %q", got.status, got.body, got.header.Get("WWW-Authenticate"), status, challenge)
	}
}

const invalidToken = `Bearer error="invalid_token"`

// available is how many of a product anybody can order now.
func (e *edge) available(product string) int64 {
	e.Helper()
	var p struct{ Available int64 }
	if err := json.Unmarshal([]byte(e.wants(e.do("GET", "/inventory/"+product), 200).body), &p); err != nil {
		e.Fatal(err)
	}
	return p.Available
}

const sony, laptop, book = "electronics/SOWH1000XM4", "electronics/APMBA132021", "books/978-1617295959"

// anOrder is the body of an order for one Sony WH-1000XM4.
func anOrder(id string) string {
	return `{"id":"` + id + `","name":"Alice","items":[{"category":"electronics","code":"SOWH1000XM4","qty":1}]}`
}

// place places anOrder.
func (e *edge) place(id, token string) {
	e.Helper()
	e.wants(e.do("POST", "/order", bearer(token), body(anOrder(id))), 201)
}
