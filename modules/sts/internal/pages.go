package internal

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/module"
	"oms/platform/pki"
	"oms/platform/token"
	"oms/web"
)

// handlers are what the STS offers besides its operations.
var handlers = map[module.Page]func(*Service, http.ResponseWriter, *http.Request) error{
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
	_ = ours.AddTrustedOrigin(s.PublicURL)  // also where a proxy in front puts another Host; the configuration has accepted it
	ours.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.ShowFault(w, r, fault.New(fault.PermissionDenied, "This form came from another site, so nothing was done."))
	}))
	return ours.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store") // unless the page says otherwise: nobody keeps who signs in, or how
		if err := handlers[page](s, w, r); err != nil {
			web.ShowFault(w, r, err)
		}
	}))
}

// serveKeys publishes the key set (RFC 7517 section 8.5). Verifiers may keep it for five minutes.
func (s *Service) serveKeys(w http.ResponseWriter, r *http.Request) error {
	state, err := s.state(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write([]byte(state.feed.JWKS))
	return nil
}

// PublishKeys keeps the public keys of the calling workload, for people to see.
func (s *Service) PublishKeys(ctx context.Context, r sts.PublishKeysRequest) (done sts.Done, err error) {
	keys, err := token.ParseKeySet([]byte(r.JWKS))
	if err != nil {
		return done, fault.New(fault.InvalidArgument, "These are no keys to publish: %v.", err)
	}
	public, err := json.Marshal(keys) // nothing but what a public key has
	if err != nil {
		return done, err
	}
	return done, s.Store.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(`INSERT INTO workload_keys (workload, jwks, published_at) VALUES ($1, $2, $3)
			ON CONFLICT (workload) DO UPDATE SET jwks = excluded.jwks, published_at = excluded.published_at`,
			identity.From(ctx).Caller, string(public), s.Now())
		return err
	})
}

// shownFor is how long keys are shown that nobody publishes any more: their workload has stopped, or goes by other proofs.
const shownFor = 3 * time.Minute

// serveWorkloadKeys shows the public keys of all workloads that run, by their identities.
func (s *Service) serveWorkloadKeys(w http.ResponseWriter, r *http.Request) error {
	published, err := database.Read(r.Context(), s.Store, func(tx database.Tx) (map[string]json.RawMessage, error) {
		published := map[string]json.RawMessage{}
		_, err := database.Collect(tx, func(row database.Row) (workload string, err error) {
			var jwks string
			err = row.Scan(&workload, &jwks)
			published[pki.ID(s.Domain, workload)] = json.RawMessage(jwks)
			return workload, err
		}, `SELECT workload, jwks FROM workload_keys WHERE published_at > $1`, s.Now().Add(-shownFor))
		return published, err
	})
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"workloads": published})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
	return nil
}
