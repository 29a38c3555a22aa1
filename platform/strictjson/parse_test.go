package strictjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"oms/platform/strictjson"
)

func TestParseAccepts(t *testing.T) {
	for _, text := range []string{
		`null`, `true`, `false`, `0`, `-0`, `-1.5e+10`, `1E9`, `""`, `"a\"\\\/\b\f\n\r\tb"`, `"\u00e9\ud83d\ude00"`, `"é😀"`, `"\u0000"`, "\"\u2028\x7f\"", `"\uFFFD"`,
		`[]`, `[ ]`, `{}`, `{ }`, "\t\r\n [ 1 , [ ] , { } ] ", `{"a":1,"A":2,"":3,"b":{"a":1}}`, `[{"a":1},{"a":1}]`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat(`{"a":`, 63) + "{}" + strings.Repeat("}", 63),
		strings.Repeat("1", 64), "[" + strings.Repeat("[],[[]],{},", 100) + `{"a":{},"b":[]}]`,
	} {
		value, err := strictjson.Parse([]byte(text))
		if err != nil {
			t.Errorf("%.60s: %v", text, err)
			continue
		}
		var want, got any
		if json.Unmarshal([]byte(text), &want) != nil || json.Unmarshal(marshal(t, value), &got) != nil || fmt.Sprint(want) != fmt.Sprint(got) {
			t.Errorf("%.60s: became %.60s", text, marshal(t, value))
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []struct {
		text   string
		offset int
		detail string
	}{
		{"", 0, "ends"}, {" ", 1, "ends"}, {"x", 0, "JSON value"}, {"nul", 0, "JSON value"}, {"True", 0, "JSON value"}, {"NaN", 0, "JSON value"}, {"\ufeff1", 0, `\ufeff`},
		{"1 2", 2, "behind"}, {"{}{}", 2, "behind"}, {"1\x00", 1, "behind"}, {"[1]]", 3, "behind"},
		{"\"\xff\"", 1, "UTF-8"}, {"\"a\xc3\"", 2, "UTF-8"}, {"\"\xed\xa0\x80\"", 1, "UTF-8"}, {"[\"\ufffd\",\"\xc0\xaf\"]", 8, "UTF-8"},
		{`"\ud800"`, 1, "surrogate"}, {`"\udc00"`, 1, "surrogate"}, {`"a\ud800\u0041"`, 2, "surrogate"}, {`"\ud800\n"`, 1, "surrogate"}, {`"\ud83d\ud83d"`, 1, "surrogate"}, {`"\ud800\u12"`, 1, "surrogate"},
		{`"\u12"`, 1, "hexadecimal"}, {`"\u12G4"`, 1, "hexadecimal"}, {`"\u`, 1, "hexadecimal"}, {`"\x41"`, 1, "escape"}, {`"\`, 1, "escape"}, {`"\U0041"`, 1, "escape"},
		{`"a`, 0, "does not end"}, {"\"a\nb\"", 2, `\u000a`}, {"\"\x00\"", 1, `\u0000`}, {"\"\x1f\"", 1, `\u001f`}, {`'a'`, 0, "JSON value"},
		{"01", 0, "superfluous"}, {"-01", 0, "superfluous"}, {"-", 1, "digit"}, {"1.", 2, "digit"}, {".5", 0, "JSON value"}, {"1e", 2, "digit"}, {"1e+", 3, "digit"}, {"+1", 0, "JSON value"}, {"0x10", 1, "behind"}, {"1_0", 1, "behind"}, {"-Infinity", 1, "digit"},
		{"[" + strings.Repeat("1", 65) + "]", 1, "longer than 64"}, {"0." + strings.Repeat("1", 63), 0, "longer than 64"},
		{"[1,]", 3, "JSON value"}, {"[1 2]", 3, `"," or "]"`}, {"[", 1, "ends"}, {"[1", 2, "ends"}, {"[,1]", 1, "JSON value"}, {"[1}", 2, `"]"`},
		{"{,}", 1, "member name"}, {`{"a":1,}`, 7, "member name"}, {`{a:1}`, 1, "member name"}, {`{"a"}`, 4, `":"`}, {`{"a":}`, 5, "JSON value"}, {`{"a":1`, 6, "ends"}, {`{"a":1]`, 6, `"}"`}, {`{1:1}`, 1, "member name"}, {"{\"a\":1 /**/}", 7, `"}"`},
		{`{"a":1,"a":1}`, 7, `"a" occurs twice`}, {`{"a":1,"\u0061":1}`, 7, "twice"}, {`{"":1,"":1}`, 6, "twice"}, {`[{"b":{"a":1,"c":{},"a":2}}]`, 20, "twice"},
		{strings.Repeat("[", 65), 64, "deeper than 64"}, {strings.Repeat(`{"a":`, 65), 64 * 5, "deeper than 64"}, {strings.Repeat("[", 1<<20), 64, "deeper"},
	} {
		_, err := strictjson.Parse([]byte(bad.text))
		var syntax *strictjson.SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != bad.offset || !strings.Contains(syntax.Detail, bad.detail) {
			t.Errorf("%.60q: %v, want byte %d: ...%s...", bad.text, err, bad.offset, bad.detail)
		}
	}
}

// A name is shown escaped and cut, whatever the input is.
func TestParseErrorsAreBoundedASCII(t *testing.T) {
	name := strings.Repeat("\\u001b[31mé\u202e", 10_000)
	_, err := strictjson.Parse([]byte(`{"` + name + `":1,"` + name + `":2}`))
	if err == nil || len(err.Error()) > 300 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("error: %.400v", err)
	}
}

// As many members as there can be are told apart.
func TestParseManyMembers(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{"first":0`)
	for i := range strictjson.MaxValues - 3 {
		fmt.Fprintf(&text, `,"m%d":%d`, i, i)
	}
	value, err := strictjson.Parse([]byte(text.String() + "}"))
	if err != nil || value.Len() != strictjson.MaxValues-2 {
		t.Fatal(value.Len(), err)
	}
	if _, err := strictjson.Parse([]byte(text.String() + `,"m77":0}`)); err == nil {
		t.Error("a duplicate among many must be found")
	}
}

func TestAccessors(t *testing.T) {
	value, err := strictjson.Parse([]byte(`{"s":"x","n":-12,"f":1.5,"big":9223372036854775808,"t":true,"z":null,"a":[1,"b"],"o":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	get := func(name string) strictjson.Value { member, _ := value.Get(name); return member }
	if text, ok := get("s").Text(); text != "x" || !ok {
		t.Error("s")
	}
	if _, ok := get("n").Text(); ok {
		t.Error("a number is no text")
	}
	if n, ok := get("n").Int64(); n != -12 || !ok {
		t.Error("n")
	}
	for _, name := range []string{"f", "big", "s", "z", "none"} {
		if _, ok := get(name).Int64(); ok {
			t.Errorf("%s is no int64", name)
		}
	}
	if literal, ok := get("f").Literal(); literal != "1.5" || !ok {
		t.Error("f")
	}
	if yes, ok := get("t").Bool(); !yes || !ok {
		t.Error("t")
	}
	if _, ok := get("s").Bool(); ok {
		t.Error("a string is no boolean")
	}
	var names []string
	for name := range value.Members() {
		names = append(names, name)
	}
	if got := strings.Join(names, " "); got != "s n f big t z a o" || value.Len() != 8 {
		t.Errorf("members %s", got)
	}
	kinds := ""
	for i, item := range get("a").Items() {
		kinds += fmt.Sprint(i, item.Kind(), ";")
	}
	if kinds != "0 a number;1 a string;" {
		t.Errorf("items %s", kinds)
	}
	if _, present := value.Get("S"); present {
		t.Error("names are exact")
	}
	if (strictjson.Value{}).Kind() != strictjson.Null || string(marshal(t, strictjson.Value{})) != "null" {
		t.Error("the zero value is null")
	}
}

// marshal writes a value back: the same tree, members in their order, numbers as they were written.
func marshal(t testing.TB, value strictjson.Value) []byte {
	t.Helper()
	var elements []string
	switch value.Kind() {
	case strictjson.Bool:
		yes, _ := value.Bool()
		return strconv.AppendBool(nil, yes)
	case strictjson.Number:
		literal, _ := value.Literal()
		return []byte(literal)
	case strictjson.String:
		text, _ := value.Text()
		return quoted(t, text)
	case strictjson.Array:
		for _, item := range value.Items() {
			elements = append(elements, string(marshal(t, item)))
		}
		return []byte("[" + strings.Join(elements, ",") + "]")
	case strictjson.Object:
		for name, member := range value.Members() {
			elements = append(elements, string(quoted(t, name))+":"+string(marshal(t, member)))
		}
		return []byte("{" + strings.Join(elements, ",") + "}")
	}
	return []byte("null")
}

func quoted(t testing.TB, text string) []byte {
	t.Helper()
	data, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
