package strictjson

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"oms/platform/fault"
)

// MaxProblems is how many problems [Decode] reports: more than a person repairs at once, and little enough that a
// large bad request does not get a larger answer.
const MaxProblems = 100

// Decode binds one JSON value into what dst points to and reports every problem at once (the first [MaxProblems]), each with a
// JSON Pointer (RFC 6901): members that the struct does not have (names are exact), wrong JSON types, numbers that are not
// whole or out of the range of the Go type, and null where the Go type is not a pointer.
//
// Destinations are structs (json tags as in encoding/json; embedded structs are promoted), pointers (null and absence
// leave nil), strings, booleans, integers, slices, maps with string keys, and these nested. A member that is absent
// leaves its field as it is. When there are problems, dst holds whatever could be bound.
//
// The error is a *[SyntaxError] when [Parse] refuses the input. Any other error is a defect of the program: a dst
// that is not a pointer, or a type that is not on the list above; it does not depend on the input.
func Decode(data []byte, dst any) ([]fault.Field, error) {
	target := reflect.ValueOf(dst)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return nil, fmt.Errorf("strictjson: the destination must be a pointer that is not nil, not %T", dst)
	}
	b := binder{structs: map[reflect.Type]members{}}
	if err := b.check(target.Type().Elem()); err != nil {
		return nil, fmt.Errorf("strictjson: %T: %w", dst, err)
	}
	value, err := Parse(data)
	if err != nil {
		return nil, err
	}
	b.bind(value, target.Elem())
	return b.problems, nil
}

// binder is one run of Decode.
type binder struct {
	structs  map[reflect.Type]members
	path     []string // the tokens of a JSON Pointer
	problems []fault.Field
}

func (b *binder) full() bool { return len(b.problems) >= MaxProblems }

// problem reports what is wrong with the value that is being bound, or with what is below it (RFC 6901 section 3).
func (b *binder) problem(code fault.FieldCode, detail string, below ...string) {
	if b.full() {
		return
	}
	pointer := ""
	for _, token := range slices.Concat(b.path, below) {
		pointer += "/" + strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
	}
	b.problems = append(b.problems, fault.Field{Code: code, Pointer: pointer, Detail: detail})
}

// within runs bind one step further down.
func (b *binder) within(token string, value Value, target reflect.Value) {
	b.path = append(b.path, token)
	b.bind(value, target)
	b.path = b.path[:len(b.path)-1]
}

func (b *binder) bind(value Value, target reflect.Value) {
	if b.full() {
		return
	}
	kind := target.Kind()
	if kind == reflect.Pointer {
		if value.kind == Null {
			target.SetZero()
			return
		}
		fresh := reflect.New(target.Type().Elem())
		b.bind(value, fresh.Elem())
		target.Set(fresh)
		return
	}
	if want := expectation(kind); value.kind != want {
		called := want.String()
		if want == Number {
			called = "a whole number"
		}
		b.problem(fault.WrongType, "must be "+called+", not "+value.kind.String())
		return
	}
	switch kind {
	case reflect.Struct:
		b.bindStruct(value, target)
	case reflect.Map:
		b.bindMap(value, target)
	case reflect.Slice:
		b.bindSlice(value, target)
	case reflect.String:
		target.SetString(value.text)
	case reflect.Bool:
		target.SetBool(value.text == "true")
	default:
		b.bindInteger(value.text, target)
	}
}

// expectation is the JSON type for a Go kind that passed check.
func expectation(kind reflect.Kind) Kind {
	switch kind {
	case reflect.Struct, reflect.Map:
		return Object
	case reflect.Slice:
		return Array
	case reflect.String:
		return String
	case reflect.Bool:
		return Bool
	}
	return Number
}

func (b *binder) bindStruct(value Value, target reflect.Value) {
	known := b.structs[target.Type()]
	for name, member := range value.Members() {
		index, ok := known[name]
		if !ok {
			b.unknown(name, known)
			continue
		}
		b.within(name, member, target.FieldByIndex(index))
	}
}

// maxNamed is the longest unknown name that a pointer repeats in full. A longer one is cut in the text, and the
// pointer shows the object that holds it, so that an answer does not grow with the names in a request.
const maxNamed = 128

func (b *binder) unknown(name string, known members) {
	if len(name) > maxNamed {
		b.problem(fault.NotKnown, "has a member "+Quote(name)+" that is not known")
		return
	}
	detail := "is not a known member"
	if better := known.closest(name); better != "" {
		detail += "; did you mean " + better + "?"
	}
	b.problem(fault.NotKnown, detail, name)
}

func (b *binder) bindMap(value Value, target reflect.Value) {
	mapType := target.Type()
	fresh := reflect.MakeMapWithSize(mapType, value.Len())
	for name, member := range value.Members() {
		item := reflect.New(mapType.Elem()).Elem()
		b.within(name, member, item)
		fresh.SetMapIndex(reflect.ValueOf(name).Convert(mapType.Key()), item)
	}
	target.Set(fresh)
}

func (b *binder) bindSlice(value Value, target reflect.Value) {
	fresh := reflect.MakeSlice(target.Type(), value.Len(), value.Len())
	for i, item := range value.Items() {
		b.within(strconv.Itoa(i), item, fresh.Index(i))
	}
	target.Set(fresh)
}

func (b *binder) bindInteger(literal string, target reflect.Value) {
	if strings.ContainsAny(literal, ".eE") {
		b.problem(fault.WrongType, "must be a whole number, written without fraction and exponent")
		return
	}
	bits := target.Type().Bits()
	if target.CanUint() {
		number, err := strconv.ParseUint(literal, 10, bits)
		if err != nil {
			b.problem(fault.OutOfRange, fmt.Sprintf("must be a whole number from 0 to %d", ^uint64(0)>>(64-bits)))
			return
		}
		target.SetUint(number)
		return
	}
	number, err := strconv.ParseInt(literal, 10, bits)
	if err != nil {
		b.problem(fault.OutOfRange, fmt.Sprintf("must be a whole number from %d to %d", int64(-1)<<(bits-1), ^(int64(-1)<<(bits-1))))
		return
	}
	target.SetInt(number)
}

// members are the fields of a struct by their JSON names: a path of indices, as for [reflect.Value.FieldByIndex].
type members map[string][]int

// check finds types that Decode does not support, before any input is looked at, and collects the members of structs.
func (b *binder) check(t reflect.Type) error {
	if custom(t) {
		return fmt.Errorf("the type %s is read in a way of its own, which would not report problems", t)
	}
	switch kind := t.Kind(); {
	case kind == reflect.String, reflect.Bool <= kind && kind <= reflect.Uint64: // all integers
		return nil
	case kind == reflect.Pointer && t.Elem().Kind() != reflect.Pointer, // two say nothing that one does not
		kind == reflect.Slice && t.Elem().Kind() != reflect.Uint8, // encoding/json would read base64 there
		kind == reflect.Map && t.Key().Kind() == reflect.String && !custom(t.Key()):
		return b.check(t.Elem())
	case kind == reflect.Struct:
		return b.checkStruct(t)
	}
	return fmt.Errorf("the type %s is not supported", t)
}

// custom reports whether encoding/json would read the type in a way of its own.
func custom(t reflect.Type) bool {
	if t == reflect.TypeFor[json.Number]() {
		return true
	}
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// checkStruct checks the fields of t and those that it promotes, and makes them its members.
func (b *binder) checkStruct(t reflect.Type) error {
	if _, known := b.structs[t]; known {
		return nil
	}
	found := members{}
	b.structs[t] = found // before its fields: a type may hold itself
	for _, field := range reflect.VisibleFields(t) {
		tag := field.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case field.Anonymous && (tag != "" || field.Type.Kind() != reflect.Struct || custom(field.Type)):
			return fmt.Errorf("the embedded field %s of %s is not a plain struct", field.Name, t)
		case field.Anonymous, tag == "-", !field.IsExported():
			continue
		case strings.Contains(","+options+",", ",string,"):
			return fmt.Errorf("the option string at the field %s of %s is not supported", field.Name, t)
		}
		name = cmp.Or(name, field.Name)
		if _, taken := found[name]; taken {
			return fmt.Errorf("two fields of %s are named %q", t, name)
		}
		found[name] = field.Index
		if err := b.check(field.Type); err != nil {
			return fmt.Errorf("field %s: %w", field.Name, err)
		}
	}
	return nil
}

// closest is the member that name was probably meant to be: another spelling in upper and lower case, or one with a
// single typing error (one letter too many, missing, wrong, or two swapped). It is "" when none is close.
func (m members) closest(name string) (best string) {
	for _, known := range slices.Sorted(maps.Keys(m)) {
		if strings.EqualFold(known, name) {
			return known
		}
		if best == "" && slip(known, name) {
			best = known
		}
	}
	return best
}

// slip reports whether a and b are one typing error apart. Names of one or two letters are all close to each other,
// so they never are.
func slip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) < 3 || len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	rest := a[min(i+1, len(a)):] == b[min(i+1, len(b)):]
	swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	return rest || swapped
}
