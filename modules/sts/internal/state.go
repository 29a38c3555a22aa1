package internal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/token"
)

// stateAge is how old the state may become before it is read again: commands that run beside the server, and keys whose
// time has come, are in force within a second.
const stateAge = 500 * time.Millisecond

// state is what the database says about keys, certificates and revocations, as of one moment. It is immutable.
type state struct {
	read    time.Time
	signing token.SigningKey
	public  *token.KeySet
	roots   map[purpose]issuing
	feed    sts.Feed
}

// keys gives the public keys, among them that of any kid that there is.
func (s *state) keys(string) (*token.KeySet, error) { return s.public, nil }

// Keys gives the public keys.
func (s *Service) Keys(ctx context.Context, _ sts.KeysRequest) (sts.KeySet, error) {
	feed, err := s.Feed(ctx, sts.FeedRequest{})
	return sts.KeySet{JWKS: feed.JWKS}, err
}

// Feed gives what verifiers must know, or only the version to those who have it already.
func (s *Service) Feed(ctx context.Context, r sts.FeedRequest) (sts.Feed, error) {
	state, err := s.state(ctx)
	switch {
	case err != nil:
		return sts.Feed{}, err
	case r.Have == state.feed.Version:
		return sts.Feed{Version: r.Have}, nil
	}
	return state.feed, nil
}

// state gives what is in force now.
func (s *Service) state(ctx context.Context) (*state, error) {
	now := s.Now()
	if current := s.current.Load(); current != nil && now.Sub(current.read).Abs() < stateAge {
		return current, nil
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	if current := s.current.Load(); current != nil && now.Sub(current.read).Abs() < stateAge {
		return current, nil // somebody was faster
	}
	return s.refresh(context.WithoutCancel(ctx))
}

// refresh reads the state anew: after a change of our own, so that the next feed has it.
func (s *Service) refresh(ctx context.Context) (*state, error) {
	fresh := &state{read: s.Now()}
	if err := s.Store.Read(ctx, func(tx database.Tx) error { return s.readState(tx, fresh) }); err != nil {
		return nil, err
	}
	s.current.Store(fresh)
	return fresh, nil
}

func (s *Service) readState(tx database.Tx, into *state) (err error) {
	if err := s.keys.mustBeCurrent(tx); err != nil {
		return err
	}
	if err := s.readSigningKeys(tx, into); err != nil {
		return err
	}
	into.roots = map[purpose]issuing{}
	for _, p := range []purpose{workloads, public} {
		if into.roots[p], err = s.keys.readRoots(tx, p, into.read); err != nil {
			return err
		}
	}
	into.feed.Roots, into.feed.PublicRoots, into.feed.PublicRoot = into.roots[workloads].trusted, into.roots[public].trusted, into.roots[public].by.Fingerprint()
	if into.feed.RenewBefore, err = timesByName(tx, // also what is from before the root that signs now
		`SELECT name, CASE WHEN renew_before < $1 THEN $1 ELSE renew_before END FROM workloads`, into.roots[workloads].since); err != nil {
		return err
	}
	if into.feed.RevokedCertificates, err = database.Collect(tx, database.Column[string],
		`SELECT serial FROM certificates WHERE revoked_at IS NOT NULL AND expires_at > $1 ORDER BY serial`, into.read); err != nil {
		return err
	}
	if err := readEnded(tx, into.read, &into.feed); err != nil {
		return err
	}
	text, err := json.Marshal(into.feed)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(text)
	into.feed.Version = hex.EncodeToString(digest[:16])
	return nil
}

func (s *Service) readSigningKeys(tx database.Tx, into *state) error {
	keys, err := publishedKeys(tx, tokens, into.read)
	if err != nil {
		return err
	}
	var public []token.Key
	for i, k := range keys {
		key, err := s.keys.signingKey(k)
		if err != nil {
			return err
		}
		if i == 0 {
			into.signing = key
		}
		public = append(public, key.Public())
	}
	if into.public, err = token.NewKeySet(public...); err != nil {
		return err
	}
	jwks, err := json.Marshal(into.public)
	into.feed.JWKS = string(jwks)
	return err
}

// timesByName runs a query for names with a time each.
func timesByName(tx database.Tx, query string, args ...any) (map[string]time.Time, error) {
	times := map[string]time.Time{}
	_, err := database.Collect(tx, func(row database.Row) (name string, err error) {
		var at time.Time
		err = row.Scan(&name, &at)
		times[name] = at
		return name, err
	}, query, args...)
	return times, err
}
