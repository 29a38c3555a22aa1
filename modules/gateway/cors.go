package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"oms/platform/limits"
)

// What scripts of other sites may send, and see of an answer, beyond what every script may (Fetch, 3.3.2).
var (
	corsAllowed = []string{"Authorization", "Content-Type", "If-None-Match"} // beside what the operation looks at
	corsExposed = strings.Join([]string{"Allow", "ETag", "Location", "Preference-Applied", "RateLimit", "RateLimit-Policy", "Retry-After", traceHeader, "WWW-Authenticate"}, ", ")
)

// corsMaxAge is how long a browser may remember what it was told, in seconds.
const corsMaxAge = "600"

// share lets scripts of the configured origins read the answers of the API and the key set; a session's cookie is of no use to
// them, since nothing of that asks for one. Everybody else's browser keeps what is answered from their scripts.
func (g *gateway) share(next echo.HandlerFunc) echo.HandlerFunc {
	if len(g.Origins) == 0 {
		return next
	}
	return func(c echo.Context) error {
		if _, shared := g.shared[c.Path()]; !shared {
			return next(c)
		}
		header, origin := c.Response().Header(), c.Request().Header.Get("Origin")
		header.Add("Vary", "Origin") // also without one: a cache must not give its answer to a script
		if slices.Contains(g.Origins, origin) {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Expose-Headers", corsExposed)
		}
		return next(c)
	}
}

// answerPreflight answers a browser that asks whether a script of another site may send a request (Fetch, 3.2.2).
func (g *gateway) answerPreflight(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header, asked := c.Response().Header(), c.Request().Header
		if c.Request().Method != http.MethodOptions || asked.Get("Access-Control-Request-Method") == "" || header.Get("Access-Control-Allow-Origin") == "" {
			return next(c)
		}
		header.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
		header.Set("Access-Control-Allow-Methods", strings.Join(g.shared[c.Path()].methods, ", "))
		header.Set("Access-Control-Allow-Headers", strings.Join(slices.Concat(corsAllowed, g.shared[c.Path()].headers), ", "))
		header.Set("Access-Control-Max-Age", corsMaxAge)
		return c.NoContent(http.StatusNoContent)
	}
}

// sharing is what scripts of other sites may ask of a path.
type sharing struct{ methods, headers []string }

// sharedPaths are what scripts of other sites may ask for, by the path in the form of the router: the modules' operations, and
// the pages that are for programs and that nobody has to be known for.
func sharedPaths(table []route) map[string]sharing {
	all := map[string]sharing{}
	for _, r := range table {
		if r.credential == bearer || r.credential == theirs && r.class == limits.Token && r.method == http.MethodGet {
			shared := all[echoPath(r.path)]
			shared.methods, shared.headers = append(shared.methods, r.method), append(shared.headers, r.headers...)
			all[echoPath(r.path)] = shared
		}
	}
	for path, shared := range all {
		slices.Sort(shared.methods)
		slices.Sort(shared.headers)
		shared.headers = slices.Compact(shared.headers)
		all[path] = shared
	}
	return all
}
