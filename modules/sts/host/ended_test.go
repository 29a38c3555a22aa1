package host_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/modules/sts/ststest"
	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpctest"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust"
)

// What another issuer's user brings is judged by the same revocations. Its issuer names whole seconds, so the second of the
// revocation is lost with what was before it.
func TestAnExternalUsersTokensOfBeforeARevocationAreRefused(t *testing.T) {
	store := databasetest.OpenIn(t, "sts", seeded(t))
	now := time.Now().Truncate(time.Second)
	hosted, foreign := start(t, store, true, func() time.Time { return now })
	gateway := sts.Client{Conn: rpctest.Shapes()[0].Connect(t, hosted.Host, "gateway")}
	ctx := identity.With(t.Context(), identity.Principal{Transaction: identity.NewTransaction()})
	subject, revoked := identity.External(ststest.Foreign, "eve"), now.Add(-9500*time.Millisecond)
	if err := store.Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(`INSERT INTO revocations (subject, revoked_at) VALUES ($1, $2)`, subject, revoked)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		who   string
		ago   time.Duration
		holds bool
	}{
		"of before":                 {"eve", 11 * time.Second, false},
		"of the second":             {"eve", 10 * time.Second, false},
		"of after":                  {"eve", 9 * time.Second, true},
		"somebody else's of before": {"mallory", 11 * time.Second, true},
	} {
		raw, err := token.Sign(foreign, "JWT", map[string]any{
			"iss": ststest.Foreign, "aud": ststest.ForeignFor, "sub": c.who, "iat": now.Add(-c.ago).Unix(), "exp": now.Add(time.Minute).Unix(), "scope": "add_order",
		})
		if err != nil {
			t.Fatal(err)
		}
		_, authenticated := gateway.Authenticate(ctx, sts.AuthenticateRequest{Token: secret.Text(raw), Callee: "order"})
		_, exchanged := gateway.Exchange(ctx, sts.ExchangeRequest{SubjectToken: secret.Text(raw), SubjectTokenType: sts.AccessToken, Audience: "spiffe://" + ststest.Domain + "/order"})
		for how, err := range map[string]error{"authenticated": authenticated, "exchanged": exchanged} {
			if holds := err == nil; holds != c.holds || !holds && fault.CodeOf(err) != fault.Unauthenticated {
				t.Errorf("%s, %s: %v", what, how, err)
			}
		}
	}
}

// A flood of sign-outs does not make a flood of what everybody is told every second: the latest are told one by one, and of
// what was before a time stands for all.
func TestTheFeedStaysSmallHoweverMuchEnds(t *testing.T) {
	const ends, hour, told, most = 100_000, time.Hour, 4096, 256 << 10
	store := databasetest.OpenIn(t, "sts", seeded(t))
	now := time.Now()
	hosted, _ := start(t, store, true, func() time.Time { return now })
	begun := now.Add(-hour)
	at := func(i int) time.Time { return begun.Add(hour / ends * time.Duration(i)).Truncate(time.Millisecond) }
	handle := func(i int) string { return fmt.Sprintf("%022d", i) }
	if err := store.Write(t.Context(), func(tx database.Tx) error {
		for i := range ends {
			if _, err := tx.Exec(`INSERT INTO ended_grants (handle, ended_at) VALUES ($1, $2)`, handle(i), at(i)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	feed, err := sts.Client{Conn: rpctest.Shapes()[0].Connect(t, hosted.Host, "order")}.Feed(t.Context(), sts.FeedRequest{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(feed)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d sessions were ended within an hour: the feed has %d bytes, %d of them are told one by one, those until %v ago by a time", ends, len(text), len(feed.EndedGrants), now.Sub(feed.RevokedBefore))
	if len(text) > most || len(feed.EndedGrants) != told {
		t.Errorf("the feed has %d bytes and %d sessions", len(text), len(feed.EndedGrants))
	}
	known := &trust.Revocations{}
	known.Announce(trust.Ended{Grants: feed.EndedGrants, Before: feed.RevokedBefore})
	for i := range ends {
		if !known.Revoked(trust.Basis{Subject: "carol", Grant: handle(i), IssuedAt: at(i).Add(-time.Millisecond)}) {
			t.Fatalf("a token of the session that ended as the %dth counts", i)
		}
	}
	// What is issued for others is good for longer than a token lives, at two minutes.
	if known.Revoked(trust.Basis{Subject: "carol", Grant: "another", IssuedAt: now.Add(-2 * time.Minute)}) {
		t.Error("a token of two minutes ago does not count, and its session has not ended")
	}
}
