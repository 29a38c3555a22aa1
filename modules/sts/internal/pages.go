package internal

import "net/http"

// Pages are what the STS offers besides its operations.
func (s *Service) Pages() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /oauth2/jwks", s.serveKeys)
	return pages
}

// serveKeys publishes the key set (RFC 7517 section 8.5). Verifiers may keep it for five minutes.
func (s *Service) serveKeys(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write([]byte(s.jwks))
}
