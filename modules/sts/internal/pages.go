package internal

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	"oms/platform/fault"
	"oms/platform/module"
	"oms/web"
)

// handlers are what the STS offers besides its operations.
var handlers = map[module.Page]func(*Service, http.ResponseWriter, *http.Request){
	{Method: http.MethodGet, Path: "/oauth2/jwks"}:                      (*Service).serveKeys,
	{Method: http.MethodGet, Path: "/.well-known/workload-keys"}:        (*Service).serveWorkloadKeys,
	{Method: http.MethodGet, Path: "/oauth2/sign-in", ForPeople: true}:  (*Service).showSignIn,
	{Method: http.MethodPost, Path: "/oauth2/sign-in", ForPeople: true}: (*Service).signIn,
	{Method: http.MethodPost, Path: "/oauth2/logout"}:                   (*Service).signOut,
}

// Pages are all pages of the STS.
func Pages() []module.Page {
	return slices.SortedFunc(maps.Keys(handlers), func(a, b module.Page) int { return cmp.Compare(a.Path+a.Method, b.Path+b.Method) })
}

// Page is the handler of a page.
func (s *Service) Page(page module.Page) http.Handler {
	ours := http.NewCrossOriginProtection() // another site's form must sign nobody in or out (Fetch Metadata, Origin)
	ours.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.ShowFault(w, r, fault.New(fault.PermissionDenied, "This form came from another site, so nothing was done."))
	}))
	return ours.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handlers[page](s, w, r) }))
}

// serveKeys publishes the key set (RFC 7517 section 8.5). Verifiers may keep it for five minutes.
func (s *Service) serveKeys(w http.ResponseWriter, r *http.Request) {
	state, err := s.state(r.Context())
	if err != nil {
		web.ShowFault(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write([]byte(state.feed.JWKS))
}
