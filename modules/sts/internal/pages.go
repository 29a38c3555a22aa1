package internal

import (
	"net/http"

	"oms/platform/fault"
	"oms/platform/module"
	"oms/web"
)

// What the STS offers besides its operations.
var (
	keysPage         = module.Page{Method: http.MethodGet, Path: "/oauth2/jwks"}
	workloadKeysPage = module.Page{Method: http.MethodGet, Path: "/.well-known/workload-keys"}
	signInPage       = module.Page{Method: http.MethodGet, Path: "/oauth2/sign-in", ForPeople: true}
	signInForm       = module.Page{Method: http.MethodPost, Path: "/oauth2/sign-in", ForPeople: true}
	signOutForm      = module.Page{Method: http.MethodPost, Path: "/oauth2/logout"}
)

// Pages are all pages of the STS.
func Pages() []module.Page {
	return []module.Page{keysPage, workloadKeysPage, signInPage, signInForm, signOutForm}
}

// Page is the handler of a page.
func (s *Service) Page(page module.Page) http.Handler {
	ours := http.NewCrossOriginProtection() // another site's form must sign nobody in or out (Fetch Metadata, Origin)
	ours.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.ShowFault(w, r, fault.New(fault.PermissionDenied, "This form came from another site, so nothing was done."))
	}))
	switch page {
	case keysPage:
		return http.HandlerFunc(s.serveKeys)
	case workloadKeysPage:
		return http.HandlerFunc(s.serveWorkloadKeys)
	case signInPage:
		return http.HandlerFunc(s.showSignIn)
	case signInForm:
		return ours.Handler(http.HandlerFunc(s.signIn))
	case signOutForm:
		return ours.Handler(http.HandlerFunc(s.signOut))
	}
	return http.NotFoundHandler()
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
