package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"oms/platform/strictjson"
)

var seeds = []string{
	`{"id":"100500","name":null,"items":[{"category":"books","code":"a","qty":2}],"labels":{"a":"b"},"counts":{"x":[1,-2]}}`,
	`{"small":-128,"byte":255,"large":18446744073709551615,"number":0,"version":1,"express":true,"Untagged":"\ud83d\ude00"}`,
	`{"id":"a","ID":"b","\u0069d":"c"}`, `[1,2,{"a":[]}]`, `"\ud800"`, `1e400`, "\"\xff\"", `{"parent":{"parent":{}}}`, `-0`, ` [ ] `, `nul`,
}

// FuzzParse: Parse accepts nothing that encoding/json refuses; refuses what it accepts only for one of the documented
// reasons; and writes back what means the same.
func FuzzParse(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		value, err := strictjson.Parse(data)
		if err != nil {
			var syntax *strictjson.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(data) || len(err.Error()) > 400 {
				t.Fatalf("error %v", err)
			}
			if json.Valid(data) && utf8.Valid(data) && !stricter(syntax.Detail) {
				t.Fatalf("valid JSON is refused: %v", err)
			}
			return
		}
		if !json.Valid(data) || !utf8.Valid(data) {
			t.Fatal("invalid JSON is accepted")
		}
		written := marshal(t, value)
		again, err := strictjson.Parse(written)
		if err != nil || !bytes.Equal(marshal(t, again), written) {
			t.Fatalf("%s: %v", written, err)
		}
		var want, got any
		if tree(data, &want) == nil && (tree(written, &got) != nil || !reflect.DeepEqual(want, got)) {
			t.Fatalf("%s became %s", data, written)
		}
	})
}

func tree(data []byte, into *any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(into)
}

func stricter(detail string) bool {
	for _, reason := range []string{"occurs twice", "surrogate", "nested deeper", "longer than 64"} {
		if strings.Contains(detail, reason) {
			return true
		}
	}
	return false
}

// FuzzDecode: whatever Decode accepts without a problem, encoding/json accepts too, with the same result.
func FuzzDecode(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, want order
		problems, err := strictjson.Decode(data, &got)
		if err != nil || len(problems) > 0 {
			for _, p := range problems {
				if p.Detail == "" || len(p.Detail) > 300 || p.Pointer != "" && p.Pointer[0] != '/' {
					t.Fatalf("problem %+v", p)
				}
			}
			return
		}
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("encoding/json refuses it: %v", err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, and encoding/json reads %+v", got, want)
		}
	})
}
