package gateway

import (
	"context"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"oms/web"
)

// plainPaths answers 404 for paths that two readers could understand differently: with empty or dot segments, also
// where they are escaped, backslashes and control characters. None of ours has any.
func plainPaths(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !plain(c.Request().URL.Path) || !asDeepAs(c.Path(), echo.GetPath(c.Request())) {
			return echo.ErrNotFound
		}
		return next(c)
	}
}

// asDeepAs reports whether the route has as many segments as the path: the router lets a last member take all the rest.
func asDeepAs(route, path string) bool {
	return route == "" || strings.HasSuffix(route, "*") || strings.Count(route, "/") == strings.Count(path, "/")
}

func plain(decoded string) bool {
	cleaned := path.Clean(decoded)
	if strings.HasSuffix(decoded, "/") && cleaned != "/" {
		cleaned += "/"
	}
	return strings.HasPrefix(decoded, "/") && cleaned == decoded && !strings.ContainsFunc(decoded, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == '\\'
	})
}

// pagesPaths are where the STS's pages are.
var pagesPaths = []string{"/oauth2/*", "/.well-known/*"}

// pages serves the STS's pages. What its router does not know, and what went wrong before it was asked, is answered like
// everywhere else: with a page to people, with a problem to programs.
func pages(handler http.Handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		w, failure := &pageWriter{ResponseWriter: c.Response()}, new(error)
		r := c.Request()
		handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), pageFailureKey{}, failure)))
		switch {
		case *failure != nil && r.URL.Path == signInPath:
			web.ShowFault(c.Response(), r, *failure)
		case *failure != nil:
			return *failure
		case w.held == http.StatusNotFound:
			return echo.ErrNotFound
		case w.held == http.StatusMethodNotAllowed:
			return echo.ErrMethodNotAllowed
		}
		return nil
	}
}

// signInPath is where people are led who have to sign in.
const signInPath = "/oauth2/sign-in"

type pageFailureKey struct{}

// failPage tells [pages] why there is no page.
func failPage(r *http.Request, err error) {
	if failure, ok := r.Context().Value(pageFailureKey{}).(*error); ok {
		*failure = err
	}
}

// pageWriter holds back the text with which [http.ServeMux] answers unknown paths and methods.
type pageWriter struct {
	http.ResponseWriter
	held int // the status of what was held back; 0 where nothing was
}

// WriteHeader implements [http.ResponseWriter].
func (w *pageWriter) WriteHeader(status int) {
	text := strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain")
	if text && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) {
		w.held = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *pageWriter) Write(text []byte) (int, error) {
	if w.held != 0 {
		return len(text), nil
	}
	return w.ResponseWriter.Write(text)
}

// Unwrap lets [http.ResponseController] reach what is below.
func (w *pageWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
