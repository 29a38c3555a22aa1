package internal

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/pki"
	"oms/platform/token"
	"oms/web"
)

// PublishKeys keeps the public keys of the calling workload, for people to see.
func (s *Service) PublishKeys(ctx context.Context, r sts.PublishKeysRequest) (sts.Published, error) {
	keys, err := token.ParseKeySet([]byte(r.JWKS))
	if err != nil {
		return sts.Published{}, fault.New(fault.InvalidArgument, "These are no keys to publish: %v.", err)
	}
	public, err := json.Marshal(keys) // nothing but what a public key has
	if err != nil {
		return sts.Published{}, err
	}
	return sts.Published{}, s.Store.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(`INSERT INTO workload_keys (workload, jwks, published_at) VALUES ($1, $2, $3)
			ON CONFLICT (workload) DO UPDATE SET jwks = excluded.jwks, published_at = excluded.published_at`,
			identity.From(ctx).Caller, string(public), s.Now())
		return err
	})
}

// shownFor is how long keys are shown that nobody publishes any more: their workload has stopped, or goes by other proofs.
const shownFor = 3 * time.Minute

// serveWorkloadKeys shows the public keys of all workloads that run, by their identities.
func (s *Service) serveWorkloadKeys(w http.ResponseWriter, r *http.Request) {
	var published map[string]json.RawMessage
	err := s.Store.Read(r.Context(), func(tx database.Tx) error {
		published = map[string]json.RawMessage{}
		_, err := database.Collect(tx, func(row database.Row) (workload string, err error) {
			var jwks string
			err = row.Scan(&workload, &jwks)
			published[pki.ID(s.Domain, workload)] = json.RawMessage(jwks)
			return workload, err
		}, `SELECT workload, jwks FROM workload_keys WHERE published_at > $1`, s.Now().Add(-shownFor))
		return err
	})
	var body []byte
	if err == nil {
		body, err = json.Marshal(map[string]any{"workloads": published})
	}
	if err != nil {
		web.ShowFault(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}
