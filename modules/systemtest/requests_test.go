package systemtest

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/identity"
)

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
func (d *deployment) do(method, path string, options ...option) Reply {
	d.Helper()
	return d.doWith(d.http2, method, path, options...)
}

func (d *deployment) doWith(client *http.Client, method, path string, options ...option) Reply {
	d.Helper()
	r, err := http.NewRequest(method, "https://localhost"+path, nil)
	if err != nil {
		d.Fatal(err)
	}
	for _, set := range options {
		set(r)
	}
	got, err := Fetch(client, r)
	if err != nil {
		d.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

// token is a real edge access token of a user: with all of the user's scopes, or with these.
func (d *deployment) token(user string, scopes ...string) string {
	d.Helper()
	request := sts.IssueTokenRequest{User: user, Lifetime: 10 * time.Minute, Issuer: d.config.Server.PublicURL, Audience: d.config.Server.PublicURL}
	if scopes != nil {
		request.Scopes = append(identity.Scopes{}, identity.NewScopes(scopes...)...)
	}
	issued, err := sts.IssueToken.Call(d.Context(), d.operators(), request)
	if err != nil {
		d.Fatal(err)
	}
	return issued.Token.Reveal()
}

// expect fails the test unless the answer has the status.
func (d *deployment) expect(got Reply, status int) Reply {
	d.Helper()
	if got.Status != status {
		d.Fatalf("answered %d %s, want %d", got.Status, got.Body, status)
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
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Header    string `json:"header"`
	Parameter string `json:"parameter"`
	Pointer   string `json:"pointer"`
	Requested *int64 `json:"requested"`
	Available *int64 `json:"available"`
}

// expectProblem fails the test unless the answer is problem details of this status and code, as RFC 9457 has them.
func (d *deployment) expectProblem(got Reply, status int, code string) problem {
	d.Helper()
	d.expect(got, status)
	var p problem
	decoder := json.NewDecoder(strings.NewReader(got.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		d.Fatalf("not a problem: %v: %q", err, got.Body)
	}
	switch {
	case got.Header.Get("Content-Type") != "application/problem+json":
		d.Errorf("content type %q", got.Header.Get("Content-Type"))
	case p.Status != status || p.Code != code:
		d.Errorf("problem %+v, want status %d and code %s", p, status, code)
	case p.Type == "" || p.Title == "" || p.Detail == "" || len(p.TraceID) != 32 || !strings.HasPrefix(p.Instance, "/"):
		d.Errorf("problem %+v lacks a member", p)
	case strings.HasSuffix(got.Body, "\n"):
		d.Error("ends in a newline")
	case got.Header.Get("Cache-Control") != "no-store":
		d.Errorf("Cache-Control %q", got.Header.Get("Cache-Control"))
	}
	return p
}

// expectRefusal fails the test unless the answer is 401 or 403 without a body, with this challenge.
func (d *deployment) expectRefusal(got Reply, status int, challenge string) {
	d.Helper()
	if got.Status != status || got.Body != "" || got.Header.Get("WWW-Authenticate") != challenge {
		d.Errorf("answered %d %q with %q, want %d and %q", got.Status, got.Body, got.Header.Get("WWW-Authenticate"), status, challenge)
	}
}

const invalidToken = `Bearer error="invalid_token"`

// available is how many of a product anybody can order now.
func (d *deployment) available(product string) int64 {
	d.Helper()
	var p struct{ Available int64 }
	if err := json.Unmarshal([]byte(d.expect(d.do("GET", "/inventory/"+product), 200).Body), &p); err != nil {
		d.Fatal(err)
	}
	return p.Available
}

const headphones, laptop, book = "electronics/SOWH1000XM4", "electronics/APMBA132021", "books/978-1617295959"

// orderBody is the body of an order for one Sony WH-1000XM4.
func orderBody(id string) string {
	return `{"id":"` + id + `","name":"Alice","items":[{"category":"electronics","code":"SOWH1000XM4","qty":1}]}`
}

// placeOrder places anOrder.
func (d *deployment) placeOrder(id, token string) {
	d.Helper()
	d.expect(d.do("POST", "/order", bearer(token), body(orderBody(id))), 201)
}

func setHeader(name, value string) option {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// withCookies sends cookies as a browser does.
func withCookies(cookies ...*http.Cookie) option {
	return func(r *http.Request) {
		for _, cookie := range cookies {
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		}
	}
}

// signIn signs in at the sign-in page and gives the session's cookie.
func (d *deployment) signIn(name string, options ...option) *http.Cookie {
	d.Helper()
	form := body(url.Values{"name": {name}, "password": {name + "-demo"}}.Encode())
	got := d.do("POST", "/oauth2/sign-in", append([]option{setHeader("Content-Type", "application/x-www-form-urlencoded"), form}, options...)...)
	for _, cookie := range (&http.Response{Header: got.Header}).Cookies() {
		if got.Status == http.StatusSeeOther && cookie.Value != "" {
			return cookie
		}
	}
	d.Fatalf("signing in as %s: %d %s", name, got.Status, got.Body)
	return nil
}

// sendRaw sends bytes as they are over HTTP/1.1 and gives every answer until the server closes the connection. It fails
// the test where the server does not.
func (d *deployment) sendRaw(request string) (answers []Reply) {
	d.Helper()
	conn, err := tls.Dial("tcp", d.address, &tls.Config{RootCAs: d.roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
	if err != nil {
		d.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		d.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		d.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	for {
		if _, err := reader.Peek(1); err == io.EOF {
			return answers
		}
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			d.Fatalf("after %d answers to %.100q: %v", len(answers), request, err)
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			d.Fatalf("answer %d to %.100q: %v", len(answers), request, err)
		}
		answers = append(answers, Reply{answer.StatusCode, answer.Header, string(text), 1})
	}
}

// chunked sends the body without saying how long it is.
func chunked(text string) option {
	return func(r *http.Request) {
		body(text)(r)
		r.ContentLength, r.Body = -1, io.NopCloser(struct{ io.Reader }{strings.NewReader(text)})
	}
}
