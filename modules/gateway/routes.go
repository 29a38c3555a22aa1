package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"oms/modules/gateway/internal/binding"
	"oms/modules/gateway/ui"
	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/limits"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/web"
)

// Handler answers one request; an error that it returns is answered in the form of its route. Members of the path are
// its path values.
type Handler func(http.ResponseWriter, *http.Request) error

// route is a line of the one table of everything that can be reached from outside.
type route struct {
	method     string // GET also serves HEAD; "" is every method that no other route of the path takes
	path       string // "/order/{id}"; a last "*" is everything below
	credential credential
	class      limits.Class // with which it is counted
	rank       limits.Rank  // how early it is refused under load
	maxBody    int64        // bytes; 0 leaves it to who reads the body
	errors     errorForm    // in which it fails
	name       string       // of the operation, or what the page shows
	headers    []string     // that it looks at, beside those of every request
	handle     Handler

	ours *http.CrossOriginProtection // knows forms of other sites; of the user interface
}

// credential is how a client says who it is. A route looks at no other place.
type credential string

const (
	none    credential = "none"    // nobody is asked
	bearer  credential = "bearer"  // an access token in the Authorization header
	session credential = "session" // the session's cookie; another site's forms are refused
	theirs  credential = "theirs"  // whatever the page's module asks for
)

// table is everything that can be reached from outside.
func (g *gateway) table() ([]route, error) {
	operations, err := g.operationRoutes()
	root := route{method: http.MethodGet, path: "/", credential: none, class: limits.Read, rank: limits.Cheap, errors: problem, name: "the way to the pages", handle: toPages}
	bare := root // as people type it
	bare.path = "/ui"
	about := route{method: http.MethodGet, path: fault.Explanations + "{type}", credential: none, class: limits.Read, rank: limits.Cheap, errors: problem, name: "about a type of problem", handle: g.explain}
	return slices.Concat(operations, []route{root, bare, about}, g.pageRoutes(), g.uiRoutes()), err
}

// operationRoutes are those of the modules' rows.
func (g *gateway) operationRoutes() (routes []route, err error) {
	for _, module := range g.Modules {
		for _, operation := range module.Operations {
			if !operation.Row().Edge.Bound() {
				continue
			}
			bound, err := binding.New(operation)
			if err != nil {
				return nil, err
			}
			routes = append(routes, route{
				method: bound.Row.Edge.Method, path: bound.Row.Edge.Path, credential: bearer, class: classOf(bound.Row.Edge.Method), rank: rankOf(bound.Row), errors: problem,
				name: bound.Row.Name, headers: bound.RequestHeaders(), handle: g.operation(module, bound),
			})
		}
	}
	return routes, nil
}

// pageRoutes are those of the modules' pages, as far as these are in this deployment.
func (g *gateway) pageRoutes() (routes []route) {
	methods := map[string][]string{}
	for _, page := range g.Pages {
		r := route{method: page.Method, path: page.Path, credential: theirs, class: limits.Token, rank: limits.Ordinary, errors: problem, name: page.Path, handle: page.Handler}
		if page.ForPeople {
			r.errors, r.class = web.ShowFault, limits.Read
			if page.Method != http.MethodGet {
				r.class, r.rank = limits.SignIn, limits.SigningIn
			}
		}
		if r.handle == nil {
			r.handle = nobodyCanSignIn
		}
		routes = append(routes, r)
		methods[page.Path] = append(methods[page.Path], page.Method)
		if page.Method == http.MethodGet {
			methods[page.Path] = append(methods[page.Path], http.MethodHead)
		}
	}
	for path, allowed := range methods {
		routes = append(routes, route{path: path, credential: none, class: limits.Read, rank: limits.Ordinary, errors: problem, handle: notAllowed(allowed)})
	}
	return routes
}

// uiRoutes are those of the user interface, which owns everything below /ui/.
func (g *gateway) uiRoutes() (routes []route) {
	pages := g.newUI()
	methods := map[string][]string{}
	for _, page := range pages.Routes() {
		r := route{
			method: page.Method, path: page.Path, credential: session, class: classOf(page.Method), rank: limits.Ordinary, errors: pages.ShowFault,
			name: page.Shows, handle: page.Handle,
		}
		if page.Method == http.MethodPost {
			r.maxBody = ui.MaxForm
		}
		routes = append(routes, r)
		methods[page.Path] = append(methods[page.Path], page.Method)
	}
	for path, allowed := range methods {
		routes = append(routes, route{path: path, credential: session, class: limits.Read, rank: limits.Ordinary, errors: pages.ShowFault, handle: notAllowed(allowed)})
	}
	routes = append(routes, route{path: "/ui/*", credential: session, class: limits.Read, rank: limits.Ordinary, errors: pages.ShowFault, handle: notFound})
	for i := range routes {
		routes[i].ours = g.ours
	}
	return routes
}

// classOf is the class of an operation or a page of the user interface.
func classOf(method string) limits.Class {
	if method == http.MethodGet {
		return limits.Read
	}
	return limits.Write
}

// notAllowed refuses the methods that a path does not take.
func notAllowed(allowed []string) Handler {
	slices.Sort(allowed)
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return errNotAllowed
	}
}

func notFound(http.ResponseWriter, *http.Request) error { return errNotFound }

func toPages(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, "/ui/", http.StatusSeeOther)
	return nil
}

var (
	errNotFound   = fault.New(fault.NotFound, "There is nothing at this path.")
	errNotAllowed = fault.New(fault.MethodNotAllowed, "This path does not take this method; the Allow header says which it takes.")
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

// rankOf is the rank of an operation: what reads one thing is refused last.
func rankOf(row rpc.Row) limits.Rank {
	switch {
	case row.Large:
		return limits.Dear
	case row.Edge.Method == http.MethodGet:
		return limits.Cheap
	}
	return limits.Ordinary
}

// indexOf gives the routes by their method and their path in the form of the router.
func indexOf(table []route) map[string]route {
	routes := map[string]route{}
	for _, r := range table {
		routes[r.method+" "+echoPath(r.path)] = r
		if r.method == http.MethodGet {
			routes[http.MethodHead+" "+echoPath(r.path)] = r
		}
	}
	return routes
}

// matched is where a request's context keeps its route.
const matched = "route"

// findRoute finds out early which route a request is for, so that all that follows can go by it.
func (g *gateway) findRoute(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if r, found := g.routes[c.Request().Method+" "+c.Path()]; found {
			c.Set(matched, r)
		} else if r, found := g.routes[" "+c.Path()]; found {
			c.Set(matched, r)
		}
		return next(c)
	}
}

// routeOf is the route that a request has found. Where there is none, failures are problems.
func routeOf(c echo.Context) route {
	if r, found := c.Get(matched).(route); found {
		return r
	}
	return route{credential: none, class: limits.Read, rank: limits.Ordinary, errors: problem}
}

// serve prepares a request as the route says, and answers it.
func (r route) serve(c echo.Context) error {
	request := c.Request()
	if r.credential == session {
		web.Protect(c.Response().Header())
		if err := r.ours.Check(request); err != nil { // no other site's page acts for our users
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
