package fault_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"oms/platform/fault"
)

func TestAFieldIsOneObject(t *testing.T) {
	for text, field := range map[string]fault.Field{
		`{"detail":"d","pointer":"/a"}`:                                    {Detail: "d", Pointer: "/a"},
		`{"code":"required","detail":"d","header":"X-Y"}`:                  {Code: fault.Required, Detail: "d", Header: "X-Y"},
		`{"code":"wrong_form","detail":"d","parameter":"p","available":1}`: {Code: fault.WrongForm, Detail: "d", Parameter: "p", Figures: []fault.Figure{{Name: "available", Value: 1}}},
		`{"detail":"\u003cb\u003e","pointer":"","requested":6,"available":-1}`: {
			Detail: "<b>", Figures: []fault.Figure{{Name: "requested", Value: 6}, {Name: "available", Value: -1}},
		},
	} {
		written, err := json.Marshal(field)
		if err != nil || string(written) != text {
			t.Errorf("got  %s, %v\nwant %s", written, err, text)
		}
		var read fault.Field
		if err := json.Unmarshal([]byte(text), &read); err != nil || !reflect.DeepEqual(read, field) {
			t.Errorf("%s: %+v, %v", text, read, err)
		}
	}
}

func TestAFieldOfAnotherVersionIsRead(t *testing.T) {
	var read fault.Field
	text := `{"pointer":"/a","extra":{"deep":[1]},"share":0.5,"none":null,"left":3,"detail":"d"}`
	want := fault.Field{Detail: "d", Pointer: "/a", Figures: []fault.Figure{{Name: "left", Value: 3}}}
	if err := json.Unmarshal([]byte(text), &read); err != nil || !reflect.DeepEqual(read, want) {
		t.Errorf("%+v, %v", read, err)
	}
	if left, found := read.Figure("left"); left != 3 || !found {
		t.Error("the figure is not found")
	}
	if _, found := read.Figure("right"); found {
		t.Error("a figure is found that is not there")
	}
	for _, bad := range []string{`1`, `"x"`, `[]`, `{"detail":1}`} {
		if err := json.Unmarshal([]byte(bad), &read); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}
