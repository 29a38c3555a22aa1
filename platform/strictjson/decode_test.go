package strictjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/platform/fault"
	"oms/platform/strictjson"
)

type name string

type base struct {
	Version uint16 `json:"version"`
}

type item struct {
	Category name   `json:"category"`
	Code     string `json:"code"`
	Qty      int    `json:"qty"`
}

type order struct {
	base
	ID       string            `json:"id"`
	Name     *string           `json:"name,omitempty"`
	Items    []item            `json:"items"`
	Labels   map[name]string   `json:"labels"`
	Counts   map[string][]int8 `json:"counts"`
	Express  bool              `json:"express"`
	Small    int8              `json:"small"`
	Byte     uint8             `json:"byte"`
	Large    uint64            `json:"large"`
	Parent   *order            `json:"parent"`
	Number   *int64            `json:"number"`
	Untagged string
	Internal string `json:"-"`
	hidden   string
}

func TestDecodeBinds(t *testing.T) {
	text := `{"version":7,"id":"100500","name":"Sample","items":[{"category":"books","code":"a/b","qty":2},{}],"labels":{"x":"y"},"counts":{"a":[-128,127],"b":[]},
		"express":true,"small":-128,"byte":255,"large":18446744073709551615,"parent":{"id":"p","parent":null},"number":-9223372036854775808,"Untagged":"u"}`
	var got, want order
	problems, err := strictjson.Decode([]byte(text), &got)
	if err != nil || problems != nil {
		t.Fatal(problems, err)
	}
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(want, got, cmp.AllowUnexported(order{}, base{})); difference != "" {
		t.Error(difference)
	}
	if got.Parent.Parent != nil || got.hidden != "" {
		t.Error("null is nil, and unexported fields are left alone")
	}
}

func TestDecodeReportsEveryProblem(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"QTY":1,"itmes":[],"ID":"x","zzz":1}`, `/QTY is not a known member; /itmes is not a known member; did you mean items?; /ID is not a known member; did you mean id?; /zzz is not a known member`},
		{`{"items":[{"qyt":1,"qt":1,"qtyy":1,"qtx":2}]}`, `/items/0/qyt is not a known member; did you mean qty?; /items/0/qt is not a known member; /items/0/qtyy is not a known member; did you mean qty?; /items/0/qtx is not a known member; did you mean qty?`},
		{`{"id":7,"items":{},"express":"true","labels":[]}`, `/id must be a string, not a number; /items must be an array, not an object; /express must be a boolean, not a string; /labels must be an object, not an array`},
		{`{"id":null,"name":null,"items":null,"small":null,"express":null,"parent":null,"labels":null}`, `/id must be a string, not null; /items must be an array, not null; /small must be a whole number, not null; /express must be a boolean, not null; /labels must be an object, not null`},
		{`{"items":[null,{"qty":null},7]}`, `/items/0 must be an object, not null; /items/1/qty must be a whole number, not null; /items/2 must be an object, not a number`},
		{`{"small":128,"byte":-1,"large":18446744073709551616,"version":65536}`, `/small must be a whole number from -128 to 127; /byte must be a whole number from 0 to 255; /large must be a whole number from 0 to 18446744073709551615; /version must be a whole number from 0 to 65535`},
		{`{"small":1.5,"byte":1e2,"number":1.0,"items":[{"qty":9223372036854775808}]}`, `/small must be a whole number, written without fraction and exponent; /byte must be a whole number, written without fraction and exponent; /number must be a whole number, written without fraction and exponent; /items/0/qty must be a whole number from -9223372036854775808 to 9223372036854775807`},
		{`{"labels":{"a/b~c":1,"":2},"counts":{"é":[0,"x"]}}`, `/labels/a~1b~0c must be a string, not a number; /labels/ must be a string, not a number; /counts/é/1 must be a whole number, not a string`},
		{`{"Internal":"x","-":"x","hidden":"x","base":{}}`, `/Internal is not a known member; /- is not a known member; /hidden is not a known member; /base is not a known member`},
		{`{"parent":{"parent":{"i":1}}}`, `/parent/parent/i is not a known member`},
		{`[]`, ` must be an object, not an array`}, {`null`, ` must be an object, not null`},
	} {
		var got order
		problems, err := strictjson.Decode([]byte(c.text), &got)
		if err != nil {
			t.Fatal(c.text, err)
		}
		if difference := cmp.Diff(c.want, sentence(problems)); difference != "" {
			t.Errorf("%s\n%s", c.text, difference)
		}
	}
}

func sentence(problems []fault.Field) string {
	var all []string
	for _, p := range problems {
		all = append(all, p.Pointer+" "+p.Detail)
	}
	return strings.Join(all, "; ")
}

// What is right is bound although something else is wrong.
func TestDecodeBindsWhatItCan(t *testing.T) {
	got := order{Express: true}
	problems, err := strictjson.Decode([]byte(`{"id":"a","items":[{"qty":"x","code":"c"}],"zzz":1}`), &got)
	if err != nil || len(problems) != 2 || got.ID != "a" || got.Items[0].Code != "c" || !got.Express {
		t.Errorf("%+v %v %v", got, problems, err)
	}
}

// An answer does not grow with a bad request.
func TestDecodeProblemsAreBounded(t *testing.T) {
	var text strings.Builder
	for i := range strictjson.MaxValues - 1 {
		fmt.Fprintf(&text, `,"unknown%d":1`, i)
	}
	problems, err := strictjson.Decode([]byte("{"+text.String()[1:]+"}"), &order{})
	if err != nil || len(problems) != strictjson.MaxProblems {
		t.Errorf("%d problems, %v", len(problems), err)
	}
	long := strings.Repeat("x", 1<<20)
	problems, err = strictjson.Decode([]byte(`{"parent":{"`+long+`":1}}`), &order{})
	if err != nil || len(problems) != 1 || problems[0].Pointer != "/parent" || len(problems[0].Detail) > 200 {
		t.Errorf("%.300v, %v", problems, err)
	}
}

func TestDecodeMalformed(t *testing.T) {
	for _, text := range []string{``, `{`, `{"id":"a","id":"b"}`, `{} {}`, "{\"id\":\"\xff\"}", `{"id":"\ud800"}`, `{"small":NaN}`, `{"zzz":` + strings.Repeat("[", 100)} {
		var syntax *strictjson.SyntaxError
		if problems, err := strictjson.Decode([]byte(text), &order{}); !errors.As(err, &syntax) || problems != nil {
			t.Errorf("%.40q: %v, %v", text, problems, err)
		}
	}
}

// A destination that cannot be bound is a defect of the program: an error, whatever the input is, and never a panic.
func TestDecodeUnsupportedDestinations(t *testing.T) {
	type pointers struct{ P **int }
	type clash struct {
		base
		Other int `json:"version"`
	}
	type quoted struct {
		N int `json:",string"`
	}
	type embedded struct{ *item }
	type deep struct {
		M map[string][]struct{ F float64 }
	}
	for _, dst := range []any{
		nil, order{}, (*order)(nil), 7, new(any), new(float64), new(chan int), new(func()), new([]byte), new([2]int), new(map[int]string), new(time.Time),
		new(json.RawMessage), new(json.Number), &pointers{}, &clash{}, &quoted{}, &embedded{}, &deep{}, new(error), new(complex64), new(uintptr),
	} {
		problems, err := strictjson.Decode([]byte(`{`), dst)
		var syntax *strictjson.SyntaxError
		if err == nil || errors.As(err, &syntax) || problems != nil {
			t.Errorf("%T: %v, %v", dst, problems, err)
		}
	}
}
