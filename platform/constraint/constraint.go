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
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"oms/platform/fault"
)

// Rules are the constraints of a struct type. They are immutable and safe for concurrent use.
type Rules struct{ members []member }

// member is a field with constraints, or with something inside that has some.
type member struct {
	index     int
	name      string // in JSON
	parameter string // of a path or a query, or ""
	header    string // or ""
	inQuery   bool
	rule      *Rule
	inside    *Rules // of the struct that the field is, points to or lists
}

// Of reads the constraints of a struct type. It fails for a tag that does not fit its field's type.
func Of(t reflect.Type) (*Rules, error) {
	rules := &Rules{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		query := field.Tag.Get("query")
		m := member{index: i, name: name, parameter: cmp.Or(query, field.Tag.Get("path")), header: field.Tag.Get("header"), inQuery: query != ""}
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
		if !m.inQuery || m.rule == nil {
			continue
		}
		if code, sentence := m.rule.broken(whole.Field(m.index)); sentence != "" {
			return fault.New(fault.Malformed, "The parameter %s %s.", m.parameter, sentence).With(m.problem("", code, sentence))
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
			if code, sentence := m.rule.broken(field); sentence != "" {
				problems = append(problems, m.problem(at, code, sentence))
				continue // 100,000 items where 100 may be do not deserve 100,000 complaints
			}
		}
		if m.inside != nil {
			problems = append(problems, m.inside.broken(field, at)...)
		}
	}
	return problems
}

// problem is one of the member, which stands at a pointer where it is in a body.
func (m member) problem(at string, code fault.FieldCode, sentence string) fault.Field {
	if m.parameter != "" || m.header != "" {
		at = ""
	}
	return fault.Field{Code: code, Detail: sentence, Header: m.header, Parameter: m.parameter, Pointer: at}
}

// Rule is what one member has to keep. A nil figure is no bound.
type Rule struct {
	Minimum, Maximum, Not *int64         // of a whole number
	MinLength, MaxLength  *int64         // of a text, in characters
	Pattern               *regexp.Regexp // that a text has to match
	MinItems, MaxItems    *int64         // of a list
	Optional              bool           // an empty text passes
	sentence              string
}

// newRule reads the tags of a field; nil where it has none.
func newRule(field reflect.StructField) (*Rule, error) {
	r := &Rule{sentence: field.Tag.Get("mustBe")}
	if r.sentence != "" {
		r.sentence = "must be " + r.sentence
	}
	kind, found := kindOf(field.Type), false
	for _, tag := range []struct {
		name string
		kind string
		into **int64
	}{
		{"minimum", "a whole number", &r.Minimum}, {"maximum", "a whole number", &r.Maximum}, {"not", "a whole number", &r.Not},
		{"minLength", "a text", &r.MinLength}, {"maxLength", "a text", &r.MaxLength},
		{"minItems", "a list", &r.MinItems}, {"maxItems", "a list", &r.MaxItems},
	} {
		text, given := field.Tag.Lookup(tag.name)
		if !given {
			continue
		}
		figure, err := strconv.ParseInt(text, 10, 64)
		switch {
		case tag.kind != kind:
			return nil, fmt.Errorf("%s is for %s, not for %s", tag.name, tag.kind, field.Type)
		case err != nil:
			return nil, fmt.Errorf("%s is %q, not a whole number", tag.name, text)
		}
		*tag.into, found = &figure, true
	}
	if pattern, given := field.Tag.Lookup("pattern"); given {
		var err error
		if r.Pattern, err = regexp.Compile(pattern); err != nil || kind != "a text" {
			return nil, fmt.Errorf("pattern %q is not a regular expression for a text", pattern)
		}
		found = true
	}
	if optional, given := field.Tag.Lookup("optional"); given {
		if r.Optional = optional == "empty" && kind == "a text"; !r.Optional {
			return nil, fmt.Errorf(`optional is "empty", of a text`)
		}
	}
	switch {
	case !found && (r.Optional || r.sentence != ""):
		return nil, fmt.Errorf("there is no constraint that the tags optional and mustBe could be about")
	case !found:
		return nil, nil //nolint:nilnil // most fields have no rule
	case r.Describe() == "":
		return nil, fmt.Errorf("say in a tag mustBe what the constraints mean to people")
	}
	return r, nil
}

// kindOf is what kind of constraints fit a type.
func kindOf(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.String:
		return "a text"
	case reflect.Slice:
		return "a list"
	default:
		return ""
	}
}

// Describe says what a value has to be: "must be a whole number from 1 to 1000000". It is "" where the figures do not
// say it and no sentence was given.
func (r *Rule) Describe() string {
	switch {
	case r.sentence != "":
		return r.sentence
	case r.Pattern != nil || r.Not != nil:
		return ""
	case r.Minimum != nil && r.Maximum != nil:
		return fmt.Sprintf("must be a whole number from %d to %d", *r.Minimum, *r.Maximum)
	case r.Minimum != nil && *r.Minimum == 0:
		return "must not be negative"
	case r.Minimum != nil:
		return fmt.Sprintf("must be a whole number from %d", *r.Minimum)
	case r.Maximum != nil:
		return fmt.Sprintf("must be a whole number of at most %d", *r.Maximum)
	case r.MinLength != nil && r.MaxLength != nil:
		return fmt.Sprintf("must be %d to %d characters", *r.MinLength, *r.MaxLength)
	case r.MaxLength != nil:
		return fmt.Sprintf("must be at most %d characters", *r.MaxLength)
	case r.MinItems != nil && r.MaxItems != nil:
		return fmt.Sprintf("must have %d to %d items", *r.MinItems, *r.MaxItems)
	case r.MaxItems != nil:
		return fmt.Sprintf("must have at most %d items", *r.MaxItems)
	}
	return ""
}

// broken is what is wrong with a value, for programs and for people; both are "" where nothing is.
func (r *Rule) broken(value reflect.Value) (fault.FieldCode, string) {
	if value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return "", ""
		}
		value = value.Elem()
	}
	var kept bool
	code := fault.OutOfRange
	switch value.Kind() {
	case reflect.String:
		text := value.String()
		kept = r.AllowsText(text)
		switch {
		case text == "":
			code = fault.Required
		case r.AllowsLength(text):
			code = fault.WrongForm
		}
	case reflect.Slice:
		kept = within(int64(value.Len()), r.MinItems, r.MaxItems)
		if value.IsNil() {
			code = fault.Required
		}
	default:
		kept = r.AllowsNumber(value.Int())
	}
	if kept {
		return "", ""
	}
	return code, r.Describe()
}

// AllowsNumber reports whether a whole number keeps the rule.
func (r *Rule) AllowsNumber(n int64) bool {
	return within(n, r.Minimum, r.Maximum) && (r.Not == nil || n != *r.Not)
}

// AllowsText reports whether a text keeps the rule.
func (r *Rule) AllowsText(text string) bool {
	return r.Optional && text == "" || r.AllowsLength(text) && (r.Pattern == nil || r.Pattern.MatchString(text))
}

// AllowsLength reports whether a text has as many characters as the rule says, whatever they are.
func (r *Rule) AllowsLength(text string) bool {
	return within(int64(utf8.RuneCountInString(text)), r.MinLength, r.MaxLength)
}

func within(n int64, least, most *int64) bool {
	return (least == nil || n >= *least) && (most == nil || n <= *most)
}
