package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/labstack/echo/v4"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/secret"
	"oms/web"
)

// member is a member of a route's path.
var member = regexp.MustCompile(`\{([a-z_]+)\}`)

// mount puts the table into the router. It fails where two routes are the same to it: the later one would win in silence.
func mount(router *echo.Echo, table []route) error {
	taken := map[string]string{}
	for _, r := range table {
		if r.method == "" {
			router.Any(echoPath(r.path), r.serve) // before the methods that the path takes, which replace it
		}
	}
	for _, r := range table {
		if r.method == "" {
			continue
		}
		pattern := r.method + " " + member.ReplaceAllString(r.path, "{}")
		if other := taken[pattern]; other != "" {
			return fmt.Errorf("%s and %s have the same edge %s", other, r.name, pattern)
		}
		taken[pattern] = r.name
		router.Add(r.method, echoPath(r.path), r.serve)
		if r.method == http.MethodGet {
			router.HEAD(echoPath(r.path), r.serve)
		}
	}
	return nil
}

// echoPath is a path in the form of the router: /order/:id.
func echoPath(path string) string { return member.ReplaceAllString(path, ":$1") }

// matched is where a request's context keeps its route.
const matched = "route"

// routeOf is the route that a request has found. Before there is one, and where there is none, failures are problems.
func routeOf(c echo.Context) route {
	if r, found := c.Get(matched).(route); found {
		return r
	}
	return route{errors: problem}
}

// serve prepares a request as the route says, and answers it.
func (r route) serve(c echo.Context) error {
	c.Set(matched, r)
	request := c.Request()
	if r.credential == session {
		web.Protect(c.Response().Header())
		if err := http.NewCrossOriginProtection().Check(request); err != nil { // no other site's page acts for our users
			return fault.New(fault.PermissionDenied, "Another site has sent this form.").Because(err)
		}
		request = withSession(request)
	}
	if err := setPathValues(c, request); err != nil {
		return err
	}
	if r.maxBody > 0 && request.Body != nil {
		request = request.WithContext(request.Context()) // the original's body is still to be discarded
		request.Body = http.MaxBytesReader(c.Response(), request.Body, r.maxBody)
	}
	c.SetRequest(request)
	return r.handle(c.Response(), request)
}

// setPathValues gives the request the members of its path, decoded once: where the path has an escaped form, the router
// has seen that one.
func setPathValues(c echo.Context, request *http.Request) error {
	for i, name := range c.ParamNames() {
		value := c.ParamValues()[i]
		if request.URL.RawPath != "" {
			var err error
			if value, err = url.PathUnescape(value); err != nil {
				return fault.New(fault.Malformed, "The path is not well-formed.").Because(err)
			}
		}
		if value == "" && routeOf(c).credential == session { // the router lets a last member be empty; pages have none there
			return errNotFound
		}
		request.SetPathValue(name, value)
	}
	return nil
}

// withSession takes the session from the cookie, which is the only credential that pages accept.
func withSession(r *http.Request) *http.Request {
	cookie, err := r.Cookie(sts.SessionCookie)
	if err != nil || cookie.Value == "" {
		return r
	}
	session := identity.Credential{Kind: identity.Session, Text: secret.Text(cookie.Value)}
	return r.WithContext(identity.WithCredential(r.Context(), session))
}
