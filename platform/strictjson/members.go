package strictjson

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

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
