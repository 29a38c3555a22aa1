package inventory

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"oms/platform/fault"
)

const (
	maxDelta  = 1_000_000 // as many as one order line can take
	maxReason = 200       // characters, as for an order's name
)

// Problems names everything that is wrong with the request by itself, all at once.
func (r AdjustRequest) Problems() (problems []fault.Field) {
	if r.Delta == 0 || r.Delta < -maxDelta || r.Delta > maxDelta {
		problems = append(problems, fault.Field{Pointer: "/delta", Detail: "must be between -1000000 and 1000000, and not 0"})
	}
	if utf8.RuneCountInString(r.Reason) > maxReason || strings.TrimSpace(r.Reason) == "" || strings.ContainsFunc(r.Reason, unicode.IsControl) {
		problems = append(problems, fault.Field{Pointer: "/reason", Detail: "must be 1 to 200 characters, none of them a control character"})
	}
	if r.Expected != nil && *r.Expected < 0 {
		problems = append(problems, fault.Field{Pointer: "/expected", Detail: "must not be negative"})
	}
	return problems
}
