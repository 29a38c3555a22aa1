package constraint_test

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"oms/platform/constraint"
)

// fuzzed has every kind of constraint.
type fuzzed struct {
	Name  string  `json:"name" minLength:"1" maxLength:"8"`
	Code  *string `json:"code" pattern:"^[a-z]+$" mustBe:"letters"`
	Key   string  `json:"key" pattern:"^k+$" optional:"empty" mustBe:"k"`
	Qty   int64   `json:"qty" minimum:"-5" maximum:"5" not:"0" mustBe:"from -5 to 5, and not 0"`
	Items []inner `json:"items" minItems:"1" maxItems:"3"`
}

type inner struct {
	Count int64 `json:"count" minimum:"1"`
}

// FuzzRules: the problems that are told are exactly those that the words of the tags say, each once, in the order of the members.
func FuzzRules(f *testing.F) {
	f.Add("name", "code", "k", int64(1), uint8(1), int64(1))
	f.Add("", "CODE", "x", int64(0), uint8(0), int64(0))
	f.Add("ääääääää", "a\n", "", int64(-6), uint8(4), int64(-1))
	f.Add("\xff\xff", "", "kk\n", int64(6), uint8(255), int64(1))
	rules, err := constraint.Of(reflect.TypeFor[fuzzed]())
	if err != nil {
		f.Fatal(err)
	}
	letters, ks := regexp.MustCompile(`\A[a-z]+\z`), regexp.MustCompile(`\Ak+\z`)
	f.Fuzz(func(t *testing.T, name, code, key string, qty int64, items uint8, count int64) {
		value := &fuzzed{Name: name, Code: &code, Key: key, Qty: qty, Items: make([]inner, items)}
		for i := range value.Items {
			value.Items[i].Count = count
		}
		var want []string
		broken := func(is bool, pointer string) {
			if is {
				want = append(want, pointer)
			}
		}
		broken(utf8.RuneCountInString(name) < 1 || utf8.RuneCountInString(name) > 8, "/name")
		broken(!letters.MatchString(code), "/code")
		broken(key != "" && !ks.MatchString(key), "/key")
		broken(qty < -5 || qty > 5 || qty == 0, "/qty")
		broken(items < 1 || items > 3, "/items")
		for i := range min(items, 3) {
			broken(count < 1 && items <= 3, "/items/"+strconv.Itoa(int(i))+"/count")
		}
		var got []string
		for _, problem := range rules.Problems(value) {
			if problem.Detail == "" || len(problem.Detail) > 200 {
				t.Fatalf("problem %+v", problem)
			}
			got = append(got, problem.Pointer)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Fatalf("%+v: problems at %q, want %q", value, got, want)
		}
		if err := rules.Check(value); (err == nil) != (len(want) == 0) {
			t.Fatalf("check: %v", err)
		}
	})
}
