package internal

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/issuers"
	"oms/platform/trust/exchange"
)

// works counts the works that are written, and how many rows any of them changes at most.
type works struct {
	database.Store
	count, most atomic.Int64
}

func (w *works) Write(ctx context.Context, work func(database.Tx) error) error {
	w.count.Add(1)
	return w.Store.Write(ctx, func(tx database.Tx) error { return work(changes{tx, w}) })
}

type changes struct {
	database.Tx
	works *works
}

func (c changes) Exec(query string, args ...any) (int64, error) {
	rows, err := c.Tx.Exec(query, args...)
	c.works.most.Store(max(c.works.most.Load(), rows))
	return rows, err
}

// rows are how many there are of each kind that ends.
func (o *office) rows(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	if err := o.Store.Read(t.Context(), func(tx database.Tx) error {
		for _, table := range []string{"sessions", "known_browsers", "join_tokens", "certificates", "ended_grants", "revocations"} {
			var n int
			if err := tx.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil {
				return err
			}
			counts[table] = n
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return counts
}

// What nobody needs any more goes, in small transactions between those of others; what somebody needs stays.
func TestWhatNobodyNeedsAnyMoreIsDeletedInSmallBatches(t *testing.T) {
	o := openOffice(t, true)
	const gone, stays = 2_300, 40 // of each kind
	now := o.Now()
	old := map[string]time.Time{ // the latest that is deleted
		"sessions": now, "known_browsers": now, "join_tokens": now, "certificates": now, "ended_grants": now.Add(-exchange.MaxLifetime - time.Minute),
		"revocations": now.Add(-issuers.MaxOwnLifetime - time.Minute),
	}
	if err := o.Store.Write(t.Context(), func(tx database.Tx) error {
		for i := range gone + stays {
			at := func(table string) time.Time {
				if i < gone {
					return old[table].Add(-time.Duration(i) * time.Second)
				}
				return old[table].Add(time.Millisecond)
			}
			key := fmt.Sprintf("%d", i)
			for _, insert := range []struct {
				statement string
				args      []any
			}{
				{`INSERT INTO sessions (digest, user_name, created_at, expires_at) VALUES ($1, 'carol', 0, $2)`, []any{key, at("sessions")}},
				{`INSERT INTO known_browsers (digest, user_name, expires_at) VALUES ($1, 'carol', $2)`, []any{key, at("known_browsers")}},
				{`INSERT INTO join_tokens (digest, workload, left_here, expires_at) VALUES ($1, 'order', 0, $2)`, []any{key, at("join_tokens")}},
				{`INSERT INTO certificates (serial, workload, issued_at, expires_at) VALUES ($1, 'order', 0, $2)`, []any{key, at("certificates")}},
				{`INSERT INTO ended_grants (handle, ended_at) VALUES ($1, $2)`, []any{key, at("ended_grants")}},
				{`INSERT INTO revocations (subject, revoked_at) VALUES ($1, $2)`, []any{key, at("revocations")}},
			} {
				if _, err := tx.Exec(insert.statement, insert.args...); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	counted := &works{Store: o.Store}
	o.Store = counted
	if err := o.Pruner().Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows of each of %d kinds were deleted in %d transactions, at most %d in each", gone, len(old), counted.count.Load(), counted.most.Load())
	if most := int64(100); counted.most.Load() > most || counted.count.Load() < int64(len(old))*gone/most {
		t.Errorf("they were deleted in %d transactions, at most %d in each", counted.count.Load(), counted.most.Load())
	}
	for table, left := range o.rows(t) {
		if left != stays {
			t.Errorf("of %s, %d are left, not %d", table, left, stays)
		}
	}
	if err := o.Pruner().Pass(t.Context()); err != nil || o.rows(t)["sessions"] != stays {
		t.Errorf("once more: %v, %v", o.rows(t), err)
	}
}

// A revocation outlives every token that was issued before it.
func TestNoTokenOutlivesItsRevocation(t *testing.T) {
	o := openOffice(t, true)
	issued, err := o.operator.IssueToken(t.Context(), sts.IssueTokenRequest{
		User: "carol", Lifetime: issuers.MaxOwnLifetime, Issuer: "https://orders.example", Audience: "https://orders.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	authenticate := func() error {
		_, err := o.Authenticate(t.Context(), sts.AuthenticateRequest{Token: issued.Token, Callee: "order"})
		return err
	}
	if err := authenticate(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.operator.SetPassword(t.Context(), sts.SetPasswordRequest{User: "carol", Password: "another password"}); err != nil {
		t.Fatal(err)
	}
	const step = time.Minute
	for passed := time.Duration(0); passed <= issuers.MaxOwnLifetime+5*step; passed += step {
		if err := o.Pruner().Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := authenticate(); fault.CodeOf(err) != fault.Unauthenticated {
			t.Fatalf("after %v the token counts: %v", passed, err)
		}
		o.advance(step)
	}
	if left := o.rows(t)["revocations"]; left != 0 {
		t.Errorf("%d revocations are kept for nothing", left)
	}
}
