package internal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
)

// check asks inventory which items it could not reserve under a key now. Where there is no answer, the error says why.
func (s *Service) check(ctx context.Context, key string, items []order.Item) ([]inventory.Problem, error) {
	checked, err := s.inventory.Check(ctx, inventory.CheckRequest{Key: key, Lines: linesOf(items)})
	return checked.Problems, err
}

// linesOf are items as inventory has them.
func linesOf(items []order.Item) []inventory.Line {
	lines := make([]inventory.Line, len(items))
	for i, item := range items {
		lines[i] = inventory.Line{Category: item.Category, Code: item.Code, Quantity: item.Qty}
	}
	return lines
}

// refuse ends a pending order that inventory does not have: what is left of it is the answer.
func refuse(tx database.Tx, r orderRow, problems []inventory.Problem, at time.Time) error {
	if _, err := tx.Exec(`DELETE FROM events WHERE order_key = $1`, r.key); err != nil {
		return err
	}
	if err := database.ChangeOne(tx, `DELETE FROM orders WHERE key = $1 AND status = 'pending' AND version = $2`, r.key, r.Version); err != nil {
		return err
	}
	if err := removeLive(tx, r.Owner); err != nil {
		return err
	}
	return insertRefusal(tx, r, problems, at)
}

// rememberRefusal keeps the answer to a request that is refused before there is an order.
func rememberRefusal(tx database.Tx, placing orderRow, problems []inventory.Problem) error {
	if err := mayRemember(tx, placing.Owner); err != nil {
		return err
	}
	return insertRefusal(tx, placing, problems, *placing.CreatedAt)
}

// insertRefusal keeps what was refused, for whoever asks again.
func insertRefusal(tx database.Tx, r orderRow, problems []inventory.Problem, at time.Time) error {
	text, err := json.Marshal(problems)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO refusals (key, owner, problems, at) VALUES ($1, $2, $3, $4)`, r.key, r.Owner, string(text), at)
	return err
}

// findRefusal is why an order of this key was refused; nil where it was not.
func findRefusal(tx database.Tx, key string) ([]inventory.Problem, error) {
	text, found, err := database.Find(tx, database.Column[string], `SELECT problems FROM refusals WHERE key = $1`, key)
	if err != nil || !found {
		return nil, err
	}
	return readProblems(text)
}

// readProblems reads what inventory refused as it is stored.
func readProblems(text string) (problems []inventory.Problem, err error) {
	if err := json.Unmarshal([]byte(text), &problems); err != nil {
		return nil, fmt.Errorf("stored refusal: %w", err)
	}
	return problems, nil
}

// refusedByInventory is the fault for what inventory does not have.
func refusedByInventory(problems []inventory.Problem) error {
	var fields []fault.Field
	unknown := false
	for _, p := range problems {
		field := fault.Field{Pointer: fmt.Sprintf("/items/%d", p.Line)}
		if p.Unknown {
			unknown = true
			field.Code, field.Detail = fault.NotKnown, "is not a product that we have; GET /inventory lists them"
		} else {
			field.Code, field.Detail = fault.NotEnough, fmt.Sprintf("%d requested, %d available", p.Requested, p.Available)
			field.Figures = []fault.Figure{{Name: "requested", Value: p.Requested}, {Name: "available", Value: p.Available}}
		}
		fields = append(fields, field)
	}
	if unknown {
		return fault.Invalid(fields...)
	}
	return fault.Conflicting(order.OutOfStock, "There is not enough stock, so nothing was changed. Lower the quantities that errors lists.").With(fields...)
}
