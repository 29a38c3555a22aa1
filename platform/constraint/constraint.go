// Package constraint checks values against the constraints that struct tags state in the words of JSON Schema (Draft
// 2020-12, Validation, section 6), so that what is checked and what a document says cannot differ.
//
//	Name string `json:"name" minLength:"1" maxLength:"200"`
//	Qty  int64  `json:"qty" minimum:"1" maximum:"1000000"`
//	ID   string `json:"id" pattern:"^[a-z]+$" mustBe:"lower-case letters"`
//
// The tags are minimum, maximum and not (one value that is excluded) for whole numbers; minLength, maxLength (in
// characters) and pattern for texts; minItems and maxItems for lists. optional:"empty" lets an empty text pass, as one
// that was not given. The sentence about a problem is derived from the figures; mustBe gives it where the figures do
// not say enough. Rules across members are the method Problems of the type.
//
// A pointer that is nil and a member that is absent break no constraint: who needs a value uses no pointer.
package constraint

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"oms/platform/fault"
)

// Rules are the constraints of a struct type. They are immutable and safe for concurrent use.
type Rules struct{ members []member }

// member is a field with constraints, or with something inside that has some.
type member struct {
	index     int
	name      string // in JSON
	parameter string // in a query, or ""
	rule      *Rule
	inside    *Rules // of the struct that the field is, points to or lists
}

// Of reads the constraints of a struct type. It fails for a tag that does not fit its field's type.
func Of(t reflect.Type) (*Rules, error) {
	rules := &Rules{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		m := member{index: i, name: name, parameter: field.Tag.Get("query")}
		var err error
		if m.rule, err = newRule(field); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, field.Name, err)
		}
		if inner := structWithin(field.Type); inner != nil {
			if m.inside, err = Of(inner); err != nil {
				return nil, err
			}
		}
		if m.rule != nil || m.inside != nil && len(m.inside.members) > 0 {
			rules.members = append(rules.members, m)
		}
	}
	return rules, nil
}

// structWithin is the struct that a field of type t is, points to or lists, or nil.
func structWithin(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

// Member is the rule of a member, by the JSON names that lead to it. A member without constraints has a rule that
// allows everything.
func (r *Rules) Member(path ...string) *Rule {
	var m member
	for _, name := range path {
		i := -1
		if r != nil {
			i = slices.IndexFunc(r.members, func(m member) bool { return m.name == name })
		}
		if i < 0 {
			return &Rule{}
		}
		m = r.members[i]
		r = m.inside
	}
	return cmp.Or(m.rule, &Rule{})
}

// Problems names everything that is wrong with a value, all at once, in the order of the members: constraints first,
// then the rules across members. value is a pointer to a struct of the type.
func (r *Rules) Problems(value any) []fault.Field {
	problems := r.broken(reflect.ValueOf(value).Elem(), "")
	if across, has := value.(interface{ Problems() []fault.Field }); has {
		problems = append(problems, across.Problems()...)
	}
	return problems
}

// Check is nil for a value without problems. A bad parameter of a query is malformed; everything else is invalid.
func (r *Rules) Check(value any) error {
	whole := reflect.ValueOf(value).Elem()
	for _, m := range r.members {
		if m.parameter == "" || m.rule == nil {
			continue
		}
		if sentence := m.rule.broken(whole.Field(m.index)); sentence != "" {
			return fault.New(fault.Malformed, "The parameter %s %s.", m.parameter, sentence)
		}
	}
	if problems := r.Problems(value); len(problems) > 0 {
		return fault.Invalid(problems...)
	}
	return nil
}

// broken names the constraints that a struct, a list of structs or what points to them breaks.
func (r *Rules) broken(value reflect.Value, pointer string) (problems []fault.Field) {
	switch value.Kind() {
	case reflect.Pointer:
		if value.IsNil() {
			return nil
		}
		return r.broken(value.Elem(), pointer)
	case reflect.Slice:
		for i := range value.Len() {
			problems = append(problems, r.broken(value.Index(i), pointer+"/"+strconv.Itoa(i))...)
		}
		return problems
	}
	for _, m := range r.members {
		field, at := value.Field(m.index), pointer+"/"+m.name
		if m.rule != nil {
			if sentence := m.rule.broken(field); sentence != "" {
				problems = append(problems, fault.Field{Pointer: at, Detail: sentence})
				continue // 100,000 items where 100 may be do not deserve 100,000 complaints
			}
		}
		if m.inside != nil {
			problems = append(problems, m.inside.broken(field, at)...)
		}
	}
	return problems
}
