package host_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/modules/inventory"
	"oms/modules/inventory/host"
	"oms/modules/modulestest"
	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/identity"
)

// By whom stock was moved is what the call proves. A name that the calling module tells counts as told, and only where no
// user is behind the call: a captured order process can blame nobody for what it does.
func TestByWhomStockWasMovedIsProven(t *testing.T) {
	for _, shape := range modulestest.Shapes(t) {
		t.Run(shape.Name, func(t *testing.T) {
			store := databasetest.Open(t, "inventory")
			hosted := start(t, store, time.Now, *host.DefaultSettings(), []inventory.Product{{Category: "books", Code: "a", Name: "Book A", Price: inventory.Price{Currency: "USD"}, Available: 10}})
			order := inventory.Client{Conn: shape.Connect(t, hosted.Host, "order")}
			edge := inventory.Client{Conn: shape.Connect(t, hosted.Host, "gateway")}
			lines := []inventory.Line{{Category: "books", Code: "a", Quantity: 1}}
			for i, subject := range []string{"alice", ""} {
				ctx := identity.With(t.Context(), identity.Principal{Subject: subject, Scopes: identity.NewScopes(inventory.ManageInventory), Transaction: fmt.Sprintf("%032x", i+1)})
				key := fmt.Sprint("k", i)
				if _, err := order.Reserve(ctx, inventory.ReserveRequest{Key: key, Revision: 1, Lines: lines, By: "mallory"}); err != nil {
					t.Fatal(err)
				}
				if _, err := order.Release(ctx, inventory.ReleaseRequest{Key: key, By: "mallory"}); err != nil {
					t.Fatal(err)
				}
				if subject != "" {
					if _, err := edge.Adjust(ctx, inventory.AdjustRequest{Category: "books", Code: "a", Delta: 1, Reason: "found"}); err != nil {
						t.Fatal(err)
					}
				}
			}
			got, err := database.Read(t.Context(), store, func(tx database.Tx) ([]string, error) {
				return database.Collect(tx, database.Column[string], `SELECT kind || ' by "' || by_subject || '" through ' || by_caller || ', told "' || told_subject || '"' FROM movements ORDER BY id`)
			})
			want := []string{
				`reserve by "alice" through order, told ""`, `release by "alice" through order, told ""`, `adjust by "alice" through gateway, told ""`,
				`reserve by "" through order, told "mallory"`, `release by "" through order, told "mallory"`,
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("movements (-want +got): %s, %v", diff, err)
			}
		})
	}
}
