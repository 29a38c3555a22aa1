package httprpc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"oms/platform/fault"
	"oms/platform/httprpc"
	"oms/platform/limits"
	"oms/platform/rpc"
)

// FuzzRequest: whatever arrives at a module's listener, of a workload or of a stranger, is answered with the operation's
// JSON or with a problem of ours; only what encoding/json reads is executed; nothing is a defect of ours; and of what was
// executed only that is not told that it took too long.
func FuzzRequest(f *testing.F) {
	w := newWorld(f)
	handler := httprpc.NewHandler(httprpc.HandlerOptions{Server: rpc.NewServer(w.host, w.profile, slog.New(slog.DiscardHandler)), Peer: peer, Budget: limits.NewBudget(1<<30, 10_000), Log: slog.New(slog.DiscardHandler)})
	const good = `{"id":"1","text":"t"}`
	f.Add("lab.Once", "POST", "1", "60000", "00-"+trace+"-0123456789abcdef-01", `{"Caller":"gateway"}`, []byte(good), false)
	f.Add("lab.Join", "POST", "1", "1", "", "", []byte(good), true)
	f.Add("lab.Join", "POST", "1", "1000", "", "", bytes.Repeat([]byte("a"), 17<<10), true)
	f.Add("lab.Once", "POST", "1", "60000", "x", `{"Caller":"order"}`, []byte(`{"id":1}`), false)
	f.Add("../lab.Once", "GET", "2", "-1", "", "", []byte("\xff"), false)
	f.Add("lab.Again", "POST", "1", "99999999999999999999", "", `{`, []byte(`[[[[`), false)
	f.Add("lab.Again", "POST", "1", "60000", "", `{"Caller":"gateway"}`, []byte(`{"id":"a","ID":"b","id":"c"}`), false)
	f.Fuzz(func(t *testing.T, operation, method, version, timeout, traceparent, proof string, body []byte, stranger bool) {
		if len(body) > 1<<17 {
			t.Skip("what is long is refused by its length alone")
		}
		var executed *sample
		w.service.do = func(_ context.Context, in sample) (sample, error) { executed = &in; return in, nil }
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/rpc/", bytes.NewReader(body))
		r.URL.Path, r.Method = "/rpc/"+operation, method
		r.Header = http.Header{"Rpc-Version": {version}, "Rpc-Timeout": {timeout}, "Traceparent": {traceparent}, "Test-Proof": {proof}}
		r.TLS = &tls.ConnectionState{}
		if !stranger {
			r.TLS.PeerCertificates = []*x509.Certificate{{Subject: pkix.Name{CommonName: "gateway"}}}
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)

		if answer.Code == http.StatusOK {
			var want, got sample
			if json.Unmarshal(body, &want) != nil || !utf8.Valid(body) || executed == nil || *executed != want || json.Unmarshal(answer.Body.Bytes(), &got) != nil || got != want {
				t.Fatalf("%q was executed as %+v and answered %q", body, executed, answer.Body)
			}
			if method != http.MethodPost || version != "1" || stranger && operation != "lab.Join" {
				t.Fatalf("%s %q in version %q was executed, stranger %v", method, operation, version, stranger)
			}
			return
		}
		var problem fault.Problem
		err := json.Unmarshal(answer.Body.Bytes(), &problem)
		if _, known := problem.Fault(); err != nil || !known || problem.Status != answer.Code || problem.Code == fault.Internal || executed != nil && problem.Code != fault.DeadlineExceeded {
			t.Fatalf("%d %s, executed %v", answer.Code, answer.Body, executed)
		}
	})
}

// FuzzAnswer: whatever another process answers, the caller has the operation's response, or a fault with a code of the list
// and nothing of the response; and what is not an answer of ours is unavailable.
func FuzzAnswer(f *testing.F) {
	w := newWorld(f)
	const jsonType, problemType = "application/json", "application/problem+json"
	f.Add(200, jsonType, "1", "", []byte(`{"id":"1","text":"t"}`))
	f.Add(200, jsonType, "1", "", []byte(`{"text":"kept","id":1}`))
	f.Add(200, jsonType+"; charset=utf-8", "1", "", []byte("{\"id\":\"\xff\"}"))
	f.Add(503, problemType, "1", "7", []byte(`{"code":"unavailable","detail":"d"}`))
	f.Add(503, problemType, "1", "-1", []byte(`{"code":"teapot"}`))
	f.Add(409, problemType, "", "99999999999", []byte(`{"code":"conflict","type":"out-of-stock","errors":[{"detail":"d","pointer":"/x","n":1}]}`))
	f.Add(302, "text/html", "", "", []byte(`<html>`))
	f.Add(200, problemType, "1", "", []byte(`{"code":"conflict"}`))
	f.Fuzz(func(t *testing.T, status int, media, version, retryAfter string, body []byte) {
		if status < 100 || status > 999 {
			t.Skip("net/http gives no such status")
		}
		answer := roundTrip(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			header := http.Header{"Content-Type": {media}, "Rpc-Version": {version}, "Retry-After": {retryAfter}}
			return &http.Response{StatusCode: status, Header: header, ContentLength: -1, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		})
		conn := httprpc.NewConn(httprpc.ConnOptions{Caller: "gateway", Callee: "lab", URL: "https://lab", Profile: w.profile, Transport: answer, Log: slog.New(slog.DiscardHandler)})
		got, err := once.Call(t.Context(), conn, sample{ID: "1"})
		if err == nil {
			var want sample
			if status != http.StatusOK || json.Unmarshal(body, &want) != nil || got != want {
				t.Fatalf("%d %q is read as %+v", status, body, got)
			}
			return
		}
		failure, ok := errors.AsType[*fault.Error](err)
		if !ok || !failure.Code.Known() || got != (sample{}) || failure.Unwrap() != nil || failure.RetryAfter < 0 || failure.RetryAfter > (1<<32)*time.Second {
			t.Fatalf("%d %q is read as %+v and %v", status, body, got, err)
		}
		if !strings.Contains(media, "problem") && (failure.Code != fault.Unavailable || len(body) > 40 && strings.Contains(failure.Detail, string(body))) {
			t.Fatalf("what is no answer of ours is %v", err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
