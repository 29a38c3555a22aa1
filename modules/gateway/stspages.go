package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
)

// passed are the headers of a request that the STS's pages get to see: what they are about, and what tells a browser's
// own forms from another site's. Everything else that a client says stays outside, its identity headers first of all.
var passed = []string{
	"Accept", "Accept-Language", "Authorization", "Content-Length", "Content-Type", "Origin", "Referer", "User-Agent",
	"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User",
}

// onlyTheirs hands on what the STS's pages may see, whether they are in this process or not: of the cookies only their
// own, so that what the user interface keeps in the browser stays between the two.
func onlyTheirs(pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		theirs := r.Clone(r.Context())
		theirs.Header, theirs.Trailer = http.Header{}, nil
		for _, name := range passed {
			if values := r.Header.Values(name); len(values) > 0 {
				theirs.Header[name] = values
			}
		}
		for _, cookie := range r.CookiesNamed(sts.SessionCookie) {
			theirs.AddCookie(cookie)
		}
		pages.ServeHTTP(w, theirs)
	})
}

// pagesTimeout is how long a page of the STS may take: hashing a password on a busy machine takes seconds.
const pagesTimeout = 15 * time.Second

// RemotePages are the STS's pages in another process, at base. The transport proves the gateway and knows the STS; the
// client's address travels in a header that the STS takes from the gateway alone.
func RemotePages(base *url.URL, transport http.RoundTripper, log *slog.Logger) http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		ErrorLog:  slog.NewLogLogger(log.Handler(), slog.LevelWarn),
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
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			failPage(r, fault.Retryable(2*time.Second, "Nobody can sign in right now: the part that knows the users cannot be reached.").Because(err))
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pagesTimeout)
		defer cancel()
		proxy.ServeHTTP(w, r.WithContext(ctx))
	})
}
