package internal

import (
	"net/http"

	"oms/platform/fault"
	"oms/web"
)

// Pages are what the STS offers besides its operations.
func (s *Service) Pages() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /oauth2/jwks", s.serveKeys)
	pages.HandleFunc("GET /.well-known/workload-keys", s.serveWorkloadKeys)
	ours := http.NewCrossOriginProtection() // another site's form must sign nobody in or out (Fetch Metadata, Origin)
	ours.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.ShowFault(w, r, fault.New(fault.PermissionDenied, "This form came from another site, so nothing was done."))
	}))
	pages.HandleFunc("GET /oauth2/sign-in", s.showSignIn)
	pages.Handle("POST /oauth2/sign-in", ours.Handler(http.HandlerFunc(s.signIn)))
	pages.Handle("POST /oauth2/logout", ours.Handler(http.HandlerFunc(s.signOut)))
	return pages
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
