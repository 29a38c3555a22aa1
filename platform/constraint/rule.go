package constraint

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"unicode/utf8"
)

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

// broken is what is wrong with a value, or "".
func (r *Rule) broken(value reflect.Value) string {
	if value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return ""
		}
		value = value.Elem()
	}
	var kept bool
	switch value.Kind() {
	case reflect.String:
		kept = r.AllowsText(value.String())
	case reflect.Slice:
		kept = within(int64(value.Len()), r.MinItems, r.MaxItems)
	default:
		kept = r.AllowsNumber(value.Int())
	}
	if kept {
		return ""
	}
	return r.Describe()
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
