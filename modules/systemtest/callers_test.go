package systemtest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// caller is somebody with a certificate, or without one, who talks to a module's own port.
type caller struct {
	*deployment
	module string
	client *http.Client
}

// callerWith calls a module with a certificate; nil presents none.
func (d *deployment) callerWith(module string, certificate *tls.Certificate) *caller {
	client := NewClient(ClientOptions{HTTP2: true, Certificate: certificate})
	d.Cleanup(client.CloseIdleConnections)
	return &caller{d, module, client}
}

// send sends a request of the protocol between modules; options may spoil it.
func (p *caller) send(operation, content string, options ...option) Reply {
	p.Helper()
	got, err := p.try(operation, content, options...)
	if err != nil {
		p.Fatalf("%s: %v\n%s", operation, err, p.log(p.module))
	}
	return got
}

// try is send where there may be no answer.
func (p *caller) try(operation, content string, options ...option) (Reply, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "https://"+p.addressOf(p.module)+"/rpc/"+operation, nil)
	if err != nil {
		return Reply{}, err
	}
	r.Header.Set("Rpc-Version", "1")
	r.Header.Set("Rpc-Timeout", "2000")
	body(content)(r)
	for _, set := range options {
		set(r)
	}
	return Fetch(p.client, r)
}

// expectRefused fails the test unless the answer is a problem of this code that says this.
func (p *caller) expectRefused(what string, got Reply, status int, code, detail string) {
	p.Helper()
	var said problem
	if err := json.Unmarshal([]byte(got.Body), &said); err != nil || got.Status != status || said.Code != code || !strings.Contains(said.Detail, detail) {
		p.Errorf("%s: %d %q, want %d %s %q", what, got.Status, got.Body, status, code, detail)
	}
}

// call decodes a good answer of an operation.
func call[T any](p *caller, operation string, request any, options ...option) (answer T) {
	p.Helper()
	text, err := json.Marshal(request)
	if err != nil {
		p.Fatal(err)
	}
	got := p.send(operation, string(text), options...)
	if got.Status != http.StatusOK {
		p.Fatalf("%s: %d %s", operation, got.Status, got.Body)
	}
	if err := json.Unmarshal([]byte(got.Body), &answer); err != nil {
		p.Fatal(err)
	}
	return answer
}

func mustMarshal(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
