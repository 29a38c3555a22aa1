package ui

import (
	"cmp"
	"strconv"
	"strings"

	"oms/platform/fault"
	"oms/web"
)

// problems of a form, by the field that has them. The key "" is that of the whole form.
type problems map[string]string

// checkName adds what is wrong with an order's name, so that all problems of a form are told at once.
func (p problems) checkName(name string) {
	if !nameRule.AllowsLength(strings.TrimSpace(name)) {
		p["name"] = "must have " + web.Count(*nameRule.MinLength) + " to " + web.Count(*nameRule.MaxLength) + " characters"
	}
}

// refused sorts what the order module refused into problems by field and shortages by line.
func refused(failure *fault.Error) (problems, map[int]shortage) {
	wrong, short := problems{}, map[int]shortage{}
	for _, field := range failure.Fields {
		parts := strings.Split(field.Pointer, "/")
		if len(parts) < 3 || parts[1] != "items" {
			wrong[strings.TrimPrefix(strings.TrimPrefix(field.Pointer, "/"), "items")] = field.Detail
			continue
		}
		i, err := strconv.Atoi(parts[2])
		requested, asked := field.Figure("requested")
		available, known := field.Figure("available")
		switch {
		case err != nil:
			wrong[""] = field.Detail
		case asked && known:
			short[i] = shortage{requested, available}
		case len(parts) == 3:
			wrong[fieldName("qty", i)] = "cannot be ordered: we do not sell it any more; remove it"
		default:
			wrong[fieldName("qty", i)] = cmp.Or(field.Detail, "is not accepted")
		}
	}
	return wrong, short
}
