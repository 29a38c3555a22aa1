package httprpc_test

import (
	"compress/gzip"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// answering is a server that is not ours: it answers all requests in one way and counts them.
func (w *world) answering(answer http.HandlerFunc) (url string, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	server := w.serve(http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		answer(to, r)
	}))
	return server.URL, requests
}

// answer answers with a status, some headers ("Name: value") and a body.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(to http.ResponseWriter, _ *http.Request) {
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			to.Header().Set(name, value)
		}
		to.WriteHeader(status)
		_, _ = to.Write([]byte(body))
	}
}

func TestAnAnswerThatIsNotOursIsNoAnswer(t *testing.T) {
	const ours, json, problem = "Rpc-Version: 1", "Content-Type: application/json", "Content-Type: application/problem+json"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		detail string
	}{
		"HTML of a proxy":           {answer(502, "<html>Bad Gateway</html>", "Content-Type: text/html; charset=utf-8"), `status 502 with the content type "text/html"`},
		"HTML with 200":             {answer(200, "<html>Log in</html>", "Content-Type: text/html"), `status 200 with the content type "text/html"`},
		"JSON of somebody else":     {answer(200, `{"id":"1"}`, json), "status 200"},
		"another version":           {answer(200, `{"id":"1"}`, json, "Rpc-Version: 2"), "status 200"},
		"not JSON":                  {answer(200, `id=1`, json, ours), "not the operation's JSON"},
		"JSON of another type":      {answer(200, `{"text":"kept","id":1}`, json, ours), "not the operation's JSON"},
		"no body":                   {answer(200, ``, json, ours), "not the operation's JSON"},
		"no content":                {answer(204, ``, json, ours), "status 204"},
		"created":                   {answer(201, `{"id":"1"}`, json, ours), "status 201"},
		"not UTF-8":                 {answer(200, "{\"id\":\"\xff\"}", json, ours), "not UTF-8"},
		"half an answer":            {answer(200, `{"id":"1"`, json, ours), "not the operation's JSON"},
		"an answer that breaks off": {breaksOff, "broke off"},
		"too large":                 {endless, "too large"},
		"too large, as it says":     {saysItIsLarge, "too large"},
		"a fault with 200":          {answer(200, `{"code":"conflict"}`, problem, ours), "status 200"},
		"a fault of no code":        {answer(503, `{"type":"about:blank","status":503}`, problem, ours), "without a code of ours"},
		"a fault of another code":   {answer(503, `{"code":"teapot"}`, problem, ours), "without a code of ours"},
		"a fault that is not JSON":  {answer(503, `unavailable`, problem, ours), "cannot be read"},
		"a redirect":                {answer(307, ``, "Location: /elsewhere"), "status 307"},
		"gzip":                      {compressed, "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			url, requests := w.answering(c.answer)
			conn := w.connTo("gateway", url, w.transport("gateway"))
			for op, attempts := range map[*rpc.Op[lab, sample, sample]]int64{once: 1, again: 3} {
				requests.Store(0)
				got, err := op.Call(t.Context(), conn, sample{ID: "1"})
				failure := fault.From(err)
				if failure == nil || failure.Code != fault.Unavailable || failure.RetryAfter != 2*time.Second || failure.Unwrap() != nil || got != (sample{}) ||
					!strings.Contains(failure.Detail, "it is not known whether "+op.Row().Name+" was executed") {
					t.Errorf("%s: %v %+v, want %q", op.Row().Name, err, got, c.detail)
				}
				if requests.Load() != attempts {
					t.Errorf("%s was sent %d times, want %d", op.Row().Name, requests.Load(), attempts)
				}
			}
			if logged := w.log.Lines("calls to a module fail"); len(logged) != 1 || !strings.Contains(strings.ReplaceAll(logged[0], `\"`, `"`), c.detail) {
				t.Errorf("logged %q, want %q", logged, c.detail)
			}
		})
	}
}

func breaksOff(to http.ResponseWriter, _ *http.Request) {
	answer(200, `{"id":`, "Content-Type: application/json", "Rpc-Version: 1")(to, nil)
	_ = http.NewResponseController(to).Flush()
	panic(http.ErrAbortHandler)
}

func endless(to http.ResponseWriter, _ *http.Request) {
	answer(200, `{"id":"`, "Content-Type: application/json", "Rpc-Version: 1")(to, nil)
	for more := []byte(strings.Repeat("a", 1<<20)); ; {
		if _, err := to.Write(more); err != nil {
			return
		}
	}
}

func saysItIsLarge(to http.ResponseWriter, _ *http.Request) {
	answer(200, ``, "Content-Type: application/json", "Rpc-Version: 1", "Content-Length: 16777217")(to, nil)
	_ = http.NewResponseController(to).Flush()
	panic(http.ErrAbortHandler)
}

func compressed(to http.ResponseWriter, _ *http.Request) {
	answer(200, ``, "Content-Type: application/json", "Content-Encoding: gzip", "Rpc-Version: 1")(to, nil)
	writer := gzip.NewWriter(to)
	_, _ = writer.Write([]byte(`{"id":"1"}`))
	_ = writer.Close()
}

func TestAHeaderOfAnAnswerIsBounded(t *testing.T) {
	w := newWorld(t)
	url, _ := w.answering(answer(200, `{}`, "Content-Type: application/json", "Rpc-Version: 1", "Large: "+strings.Repeat("a", 1<<17)))
	_, err := once.Call(t.Context(), w.connTo("gateway", url, w.transport("gateway")), sample{})
	if fault.CodeOf(err) != fault.Unavailable {
		t.Error(err)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	w := newWorld(t).start()
	for _, status := range []int{301, 302, 303, 307, 308} {
		url, _ := w.answering(answer(status, "", "Location: "+w.server.URL+"/rpc/lab.Again"))
		if _, err := again.Call(t.Context(), w.connTo("gateway", url, w.transport("gateway")), sample{ID: "1"}); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("%d: %v", status, err)
		}
	}
	if w.service.times("1") != 0 {
		t.Error("followed")
	}
}

func TestWhatIsSentIsAlwaysTheSame(t *testing.T) {
	w := newWorld(t)
	var got http.Header
	var protocol string
	url, _ := w.answering(func(to http.ResponseWriter, r *http.Request) {
		got, protocol = r.Header, r.Proto
		answer(200, `{}`, "Content-Type: application/json", "Rpc-Version: 1")(to, r)
	})
	if _, err := once.Call(t.Context(), w.connTo("gateway", url, w.transport("gateway")), sample{}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"User-Agent": "oms-rpc/1", "Content-Type": "application/json", "Rpc-Version": "1", "Accept-Encoding": "", "Traceparent": ""} {
		if got.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Get(name), want)
		}
	}
	if protocol != "HTTP/2.0" {
		t.Errorf("sent with %s", protocol)
	}
}

func TestSizesAreBoundedBothWays(t *testing.T) {
	w := newWorld(t).start()
	conn := w.conn("gateway")
	most := strings.Repeat("ü<&>\u2028", 300_000)
	if got, err := once.Call(t.Context(), conn, sample{ID: "most", Text: most}); err != nil || got.Text != most {
		t.Errorf("a large request: %v", err)
	}
	if _, err := once.Call(t.Context(), conn, sample{ID: "more", Text: strings.Repeat("a", 4<<20)}); fault.CodeOf(err) != fault.TooLarge || w.service.times("more") != 0 {
		t.Errorf("a request that is too large: %v", err)
	}
	large := newWorld(t)
	large.service.do = func(context.Context, sample) (sample, error) { return sample{Text: strings.Repeat("a", 16<<20)}, nil }
	if _, err := again.Call(t.Context(), large.start().conn("gateway"), sample{ID: "1"}); fault.CodeOf(err) != fault.Internal || large.service.times("1") != 1 {
		t.Errorf("an answer that is too large: %v, executed %d times", err, large.service.times("1"))
	}
}
