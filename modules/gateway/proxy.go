package gateway

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/observe/sampled"
)

// passed are the headers of a request that the STS's pages get to see: what they are about, and what tells a browser's
// own forms from another site's. Everything else that a client says stays outside, its identity headers first of all.
var passed = []string{
	"Accept", "Accept-Language", "Authorization", "Content-Length", "Content-Type", "Origin", "Referer", "User-Agent",
	"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User",
}

// theirCookies are the cookies that the STS's pages get to see: what the user interface keeps in the browser stays between
// the two.
var theirCookies = []string{sts.SessionCookie, sts.KnownCookie}

// stripped is what a module's page may see, whether it is in this process or not.
func stripped(ctx context.Context, r *http.Request) *http.Request {
	theirs := r.Clone(ctx)
	theirs.Header, theirs.Trailer = http.Header{}, nil
	for _, name := range passed {
		if values := r.Header.Values(name); len(values) > 0 {
			theirs.Header[name] = values
		}
	}
	for _, name := range theirCookies {
		for _, cookie := range r.CookiesNamed(name) {
			theirs.AddCookie(cookie)
		}
	}
	return theirs
}

// Local is a page of a module in this process.
func Local(page http.Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		page.ServeHTTP(w, stripped(r.Context(), r))
		return nil
	}
}

// nobodyCanSignIn answers for the pages of a module that is nowhere.
func nobodyCanSignIn(http.ResponseWriter, *http.Request) error {
	return fault.Retryable(30*time.Second, "Nobody can sign in right now: the part that knows the users is not part of this deployment.")
}

// pagesTimeout is how long a page of the STS may take: hashing a password on a busy machine takes seconds.
const pagesTimeout = 15 * time.Second

// Remote are the STS's pages in another process, at base. The transport proves the gateway and knows the STS; the
// client's address travels in a header that the STS takes from the gateway alone.
func Remote(base *url.URL, transport http.RoundTripper, log *slog.Logger) Handler {
	proxy := httputil.ReverseProxy{
		Transport: transport,
		ErrorLog:  sampled.New(log, time.Now).Lines(func([]byte) slog.Level { return slog.LevelWarn }), // of clients that go away
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(base)
			r.Out.Host = r.In.Host // which an origin is compared with
			r.Out.Header.Set(sts.ClientAddress, r.In.RemoteAddr)
			r.Out.Header.Set("Traceparent", identity.Traceparent(identity.From(r.In.Context()).Transaction))
		},
		ModifyResponse: func(answer *http.Response) error {
			answer.Header.Del("X-Content-Type-Options") // the gateway says it in every answer, and once is enough
			return nil
		},
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), pagesTimeout)
		defer cancel()
		var failure error
		forward := proxy
		forward.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, err error) {
			failure = fault.Retryable(2*time.Second, "Nobody can sign in right now: the part that knows the users cannot be reached.").Because(err)
		}
		theirs := stripped(ctx, r)
		if err := readForm(theirs); err != nil {
			return fault.New(fault.Malformed, "The form did not arrive whole. Try again.").Because(err)
		}
		forward.ServeHTTP(w, theirs)
		return failure
	}
}

// readForm replaces the body by what has arrived of it, before anything of it is passed on: a slow client holds nothing
// but its own connection, and the other process reads no client's stream. One byte more than a form may have is enough to
// be refused for. A page's share of the budget has room for it.
func readForm(r *http.Request) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, sts.MaxForm+1))
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(text)), int64(len(text)), nil
	if len(text) == 0 {
		r.Body = http.NoBody
	}
	return err
}
