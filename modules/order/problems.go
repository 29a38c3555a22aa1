package order

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"oms/platform/fault"
)

const (
	maxName  = 200       // characters
	maxItems = 100       // lines of one order
	maxQty   = 1_000_000 // of one line
	maxCode  = 64        // characters of a category or code
)

var (
	idPattern  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	keyPattern = regexp.MustCompile(`^[!-~]{1,255}$`) // visible ASCII, as in a header
)

// ValidID reports whether an order can have this id: it can stand in a path as it is.
func ValidID(id string) bool { return idPattern.MatchString(id) && id != "." && id != ".." }

// Problems names everything that is wrong with the request by itself, all at once.
func (r CreateRequest) Problems() (problems []fault.Field) {
	if r.ID != nil && !ValidID(*r.ID) {
		problems = append(problems, fault.Field{Detail: "must be 1 to 64 of A-Z a-z 0-9 . _ - (and not . or ..)", Pointer: "/id"})
	}
	problems = append(problems, checkContent(r.Name, r.Items)...)
	if r.IdempotencyKey != "" && !keyPattern.MatchString(r.IdempotencyKey) {
		problems = append(problems, fault.Field{Detail: "must be 1 to 255 visible ASCII characters", Pointer: "/idempotency_key"})
	}
	return problems
}

// Problems names everything that is wrong with the request by itself, all at once.
func (r UpdateRequest) Problems() []fault.Field { return checkContent(r.Name, r.Items) }

// checkContent names everything that is wrong with an order's content, all at once.
func checkContent(name string, items []Item) (problems []fault.Field) {
	say := func(detail, pointer string, args ...any) {
		problems = append(problems, fault.Field{Detail: detail, Pointer: fmt.Sprintf(pointer, args...)})
	}
	if !text(name, maxName) {
		say("must be 1 to 200 characters, none of them a control character", "/name")
	}
	if len(items) == 0 || len(items) > maxItems {
		say("must have 1 to 100 items", "/items")
		return problems // 100,000 items do not deserve 100,000 complaints
	}
	for i, item := range items {
		if !text(item.Category, maxCode) {
			say("must be 1 to 64 characters, none of them a control character", "/items/%d/category", i)
		}
		if !text(item.Code, maxCode) {
			say("must be 1 to 64 characters, none of them a control character", "/items/%d/code", i)
		}
		if item.Qty < 1 || item.Qty > maxQty {
			say("must be a whole number from 1 to 1000000", "/items/%d/qty", i)
		}
	}
	return problems
}

// text reports whether s is something that people can read, of at most so many characters. Control characters are
// nobody's name, and not every database stores all of them.
func text(s string, most int) bool {
	return strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, unicode.IsControl)
}
