package internal

import (
	"encoding/json"
	"fmt"

	"oms/modules/inventory"
	"oms/platform/fault"
)

// refusedByInventory is the fault for what inventory refused; stored is the JSON of its problems.
func refusedByInventory(stored string) error {
	var problems []inventory.Problem
	if err := json.Unmarshal([]byte(stored), &problems); err != nil {
		return fmt.Errorf("stored refusal: %w", err)
	}
	var fields []fault.Field
	unknown := false
	for _, p := range problems {
		field := fault.Field{Pointer: fmt.Sprintf("/items/%d", p.Line)}
		if p.Unknown {
			unknown = true
			field.Detail = "is not a product that we have; GET /inventory lists them"
		} else {
			field.Detail = fmt.Sprintf("%d requested, %d available", p.Requested, p.Available)
			field.Figures = []fault.Figure{{Name: "requested", Value: p.Requested}, {Name: "available", Value: p.Available}}
		}
		fields = append(fields, field)
	}
	if unknown {
		return fault.Invalid(fields...)
	}
	return fault.Conflicting("out-of-stock", "There is not enough stock, so nothing was changed. Lower the quantities that errors lists.").With(fields...)
}
