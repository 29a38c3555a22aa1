package internal

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// orderRow is a row of the orders table: the order as its owner sees it, and what nobody sees.
type orderRow struct {
	order.Order
	key        string
	revision   int64
	digest     string // of the first request's content
	repeatable bool
	deadline   time.Time
}

// etag names one view of one version of one order. The key is in it because ids come back.
func (r orderRow) etag(view string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", r.key, view, r.Version))
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// digest names the content of an order: two requests with the same one ask for the same.
func digest(name string, items []order.Item) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q\n", name)
	for _, item := range items {
		fmt.Fprintf(sum, "%q %q %d\n", item.Category, item.Code, item.Qty)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Get gives one order as far as the caller may see it.
func (s *Service) Get(ctx context.Context, r order.GetRequest) (order.Order, error) {
	principal := identity.From(ctx)
	found, err := database.Read(ctx, s.Store, func(tx database.Tx) (orderRow, error) { return findToRead(tx, r.ID, principal.Subject) })
	if err != nil {
		return order.Order{}, err
	}
	public := s.PublicRead && (found.Status == order.StatusConfirmed || found.Status == order.StatusFulfilled)
	if !seesAll(principal, found) && !public {
		return order.Order{}, orderNotFound(r.ID)
	}
	return found.seenBy(principal), nil
}

// seesAll says whether somebody sees all of an order.
func seesAll(principal identity.Principal, r orderRow) bool {
	return principal.Scopes.Has(order.ViewOrders) || principal.Subject != "" && principal.Subject == r.Owner
}

// seenBy is the order as somebody sees it who may see it at all.
func (r orderRow) seenBy(principal identity.Principal) order.Order {
	if seesAll(principal, r) {
		r.ETag = r.etag("full")
		return r.Order
	}
	return order.Order{ID: r.ID, Name: r.Name, Items: r.Items, ETag: r.etag("public")}
}

// shown is the order for who has just done something to it; nil where it cannot be read just now, which undoes nothing.
func (s *Service) shown(ctx context.Context, key string) *order.Order {
	found, err := database.Read(ctx, s.Store, func(tx database.Tx) (orderRow, error) { return findByKey(tx, key) })
	if err != nil {
		s.Log.WarnContext(ctx, "an order that was changed cannot be shown", "cause", err)
		return nil
	}
	return new(found.seenBy(identity.From(ctx)))
}

// storedItems are items as a column holds them: JSON.
type storedItems []order.Item

// Value implements [driver.Valuer].
func (i storedItems) Value() (driver.Value, error) {
	text, err := json.Marshal(i)
	return string(text), err
}

// Scan implements [sql.Scanner].
func (i *storedItems) Scan(stored any) error {
	text, _ := stored.(string)
	return json.Unmarshal([]byte(text), i)
}

const selectOrder = `SELECT key, id, owner, status, version, revision, name, items, digest, repeatable, deadline, created_at, updated_at FROM orders`

func scanOrder(row database.Row) (r orderRow, err error) {
	r.CreatedAt, r.UpdatedAt = new(time.Time), new(time.Time)
	err = row.Scan(&r.key, &r.ID, &r.Owner, &r.Status, &r.Version, &r.revision, &r.Name, (*storedItems)(&r.Items), &r.digest,
		&r.repeatable, &r.deadline, r.CreatedAt, r.UpdatedAt)
	return r, err
}

// findByKey gives the order of an internal key.
func findByKey(tx database.Tx, key string) (orderRow, error) {
	return scanOrder(tx.QueryRow(selectOrder+` WHERE key = $1`, key))
}

const isLive = `status IN ('pending', 'confirmed', 'fulfilled')`

// findLive gives the order that holds an id.
func findLive(tx database.Tx, id string) (orderRow, bool, error) {
	return database.Find(tx, scanOrder, selectOrder+` WHERE id = $1 AND `+isLive, id)
}

// findToRead gives the order of an id that the subject is shown, else not_found: the subject's own before anybody else's,
// then the live one, then the newest.
func findToRead(tx database.Tx, id, subject string) (orderRow, error) {
	return findByID(tx, `(owner = $2) DESC, (`+isLive+`) DESC, key DESC`, id, subject)
}

// findToChange gives the order of an id that the subject's request changes, else not_found: the live one, which alone can
// change, then the subject's own, then the newest.
func findToChange(tx database.Tx, id, subject string) (orderRow, error) {
	return findByID(tx, `(`+isLive+`) DESC, (owner = $2) DESC, key DESC`, id, subject)
}

// findByID gives the first order of an id in a sequence.
func findByID(tx database.Tx, sequence, id, subject string) (orderRow, error) {
	r, found, err := database.Find(tx, scanOrder, selectOrder+` WHERE id = $1 ORDER BY `+sequence+` LIMIT 1`, id, subject)
	if err == nil && !found {
		err = orderNotFound(id)
	}
	return r, err
}

func orderNotFound(id string) error {
	if !order.Create.Rule("id").AllowsText(id) { // not worth repeating
		return fault.New(fault.NotFound, "There is no such order.")
	}
	return fault.New(fault.NotFound, "There is no order '%s'.", id)
}

func insertOrder(tx database.Tx, r orderRow) error {
	_, err := tx.Exec(`INSERT INTO orders (key, id, owner, status, version, revision, name, items, digest, repeatable, deadline, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`,
		r.key, r.ID, r.Owner, r.Status, r.Version, r.revision, r.Name, storedItems(r.Items), r.digest, r.repeatable, r.deadline, *r.CreatedAt)
	return err
}

// saveOrder writes what can change of an order, on the condition that nobody else has changed it since it was read.
func saveOrder(tx database.Tx, read, r orderRow) error {
	return database.ChangeOne(tx, `UPDATE orders SET status = $1, version = $2, revision = $3, name = $4, items = $5, updated_at = $6
		WHERE key = $7 AND version = $8 AND revision = $9`,
		r.Status, r.Version, r.revision, r.Name, storedItems(r.Items), *r.UpdatedAt, read.key, read.Version, read.revision)
}

// The kinds of events: one for each transition of an order.
const (
	placed        = "placed"
	confirmed     = "confirmed"
	expired       = "expired"
	updated       = "updated"
	updateRefused = "update-refused"
	cancelled     = "cancelled"
)

// transition changes the order and records the event of it: the version rises by one, and is the event's number.
func transition(tx database.Tx, r orderRow, to order.Status, kind, by, detail string, at time.Time) error {
	read := r
	r.Status, r.Version, r.UpdatedAt = to, read.Version+1, &at
	if err := saveOrder(tx, read, r); err != nil {
		return err
	}
	if to == order.StatusExpired || to == order.StatusCancelled {
		if err := removeLive(tx, r.Owner); err != nil {
			return err
		}
	}
	return recordEvent(tx, r, kind, by, detail)
}

func recordEvent(tx database.Tx, r orderRow, kind, by, detail string) error {
	_, err := tx.Exec(`INSERT INTO events (order_key, version, at, kind, by_subject, detail) VALUES ($1, $2, $3, $4, $5, $6)`,
		r.key, r.Version, *r.UpdatedAt, kind, by, detail)
	return err
}
