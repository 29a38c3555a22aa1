package constraint_test

import (
	"reflect"
	"strings"
	"testing"

	"oms/platform/constraint"
	"oms/platform/fault"
)

type order struct {
	ID    *string `json:"id" pattern:"^[a-z]+$" mustBe:"letters"`
	Name  string  `json:"name" minLength:"1" maxLength:"3"`
	Items []item  `json:"items" minItems:"1" maxItems:"2"`
	Delta int64   `json:"delta" minimum:"-5" maximum:"5" not:"0" mustBe:"from -5 to 5, and not 0"`
	Key   string  `json:"key" pattern:"^k$" optional:"empty" mustBe:"k"`
	Limit *int64  `json:"limit" query:"max" minimum:"1" mustBe:"from 1"`
	Free  string  `json:"free"`
}

type item struct {
	Qty int64 `json:"qty" minimum:"1" maximum:"9"`
}

// Problems is a rule across members.
func (o order) Problems() []fault.Field {
	if o.Name == o.Free {
		return []fault.Field{{Pointer: "/free", Detail: "must not be the name"}}
	}
	return nil
}

func good() order {
	return order{Name: "abc", Items: []item{{1}, {9}}, Delta: 5}
}

func TestProblems(t *testing.T) {
	rules, err := constraint.Of(reflect.TypeFor[order]())
	if err != nil {
		t.Fatal(err)
	}
	id, capitals, one, zero := "a", "A", int64(1), int64(0)
	for name, c := range map[string]struct {
		spoil func(*order)
		want  string // pointer and detail of each, or the parameter's sentence
	}{
		"nothing":         {func(*order) {}, ""},
		"optional":        {func(o *order) { o.ID, o.Key, o.Limit = &id, "k", &one }, ""},
		"pattern":         {func(o *order) { o.ID = &capitals }, "/id must be letters"},
		"too short":       {func(o *order) { o.Name, o.Free = "", "x" }, "/name must be 1 to 3 characters"},
		"too long":        {func(o *order) { o.Name = "abcd" }, "/name must be 1 to 3 characters"},
		"characters":      {func(o *order) { o.Name = "äöü" }, ""},
		"no items":        {func(o *order) { o.Items = nil }, "/items must have 1 to 2 items"},
		"too many items":  {func(o *order) { o.Items = make([]item, 3) }, "/items must have 1 to 2 items"},
		"an item":         {func(o *order) { o.Items[1].Qty = 10 }, "/items/1/qty must be a whole number from 1 to 9"},
		"least":           {func(o *order) { o.Items[0].Qty = 0 }, "/items/0/qty must be a whole number from 1 to 9"},
		"excluded":        {func(o *order) { o.Delta = 0 }, "/delta must be from -5 to 5, and not 0"},
		"bad option":      {func(o *order) { o.Key = "x" }, "/key must be k"},
		"across members":  {func(o *order) { o.Free = "abc" }, "/free must not be the name"},
		"all at once":     {func(o *order) { o.ID, o.Name, o.Free = &capitals, "", "" }, "/id must be letters, /name must be 1 to 3 characters, /free must not be the name"},
		"parameter first": {func(o *order) { o.Name, o.Limit = "", &zero }, "The parameter max must be from 1."},
	} {
		value := good()
		c.spoil(&value)
		if got := told(rules.Check(&value)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func told(err error) string {
	failure := fault.From(err)
	if failure == nil {
		return ""
	}
	if failure.Code == fault.Malformed {
		return failure.Detail
	}
	var list []string
	for _, field := range failure.Fields {
		list = append(list, field.Pointer+" "+field.Detail)
	}
	return strings.Join(list, ", ")
}

func TestTagsThatDoNotFitAreRefused(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[struct {
			A string `minimum:"1"`
		}](),
		reflect.TypeFor[struct {
			A int64 `minLength:"1"`
		}](),
		reflect.TypeFor[struct {
			A bool `maximum:"1"`
		}](),
		reflect.TypeFor[struct {
			A int64 `minimum:"x"`
		}](),
		reflect.TypeFor[struct {
			A string `pattern:"("`
		}](),
		reflect.TypeFor[struct {
			A string `pattern:"a"` // what is that to people?
		}](),
		reflect.TypeFor[struct {
			A int64 `pattern:"a" mustBe:"a"`
		}](),
		reflect.TypeFor[struct {
			A int64 `not:"0"`
		}](),
		reflect.TypeFor[struct {
			A string `mustBe:"good"` // which nothing checks
		}](),
		reflect.TypeFor[struct {
			A []struct {
				B string `maxItems:"1"`
			}
		}](),
	} {
		if _, err := constraint.Of(typ); err == nil {
			t.Errorf("%s is accepted", typ)
		}
	}
}

func TestAMemberSaysItsRule(t *testing.T) {
	rules, err := constraint.Of(reflect.TypeFor[order]())
	if err != nil {
		t.Fatal(err)
	}
	qty := rules.Member("items", "qty")
	if *qty.Minimum != 1 || *qty.Maximum != 9 || qty.AllowsNumber(0) || !qty.AllowsNumber(9) || *rules.Member("items").MaxItems != 2 {
		t.Errorf("%+v", qty)
	}
	for _, path := range [][]string{{"free"}, {"none"}, {"name", "none"}, {"items", "none"}, {}} {
		if rule := rules.Member(path...); !rule.AllowsText("") || !rule.AllowsNumber(0) {
			t.Errorf("%q: %+v", path, rule)
		}
	}
}
