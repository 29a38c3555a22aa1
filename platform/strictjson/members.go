package strictjson

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// members are the fields of a struct by their JSON names: a path of indices, as for [reflect.Value.FieldByIndex].
type members map[string][]int

// check finds types that Decode does not support, before any input is looked at, and collects the members of structs.
func (b *binder) check(t reflect.Type) error {
	if custom(t) {
		return fmt.Errorf("the type %s is read in a way of its own, which would not report problems", t)
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Pointer { // says nothing that one pointer does not
			break
		}
		return b.check(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 { // encoding/json would read base64 here
			break
		}
		return b.check(t.Elem())
	case reflect.Map:
		if t.Key().Kind() != reflect.String || custom(t.Key()) {
			break
		}
		return b.check(t.Elem())
	case reflect.Struct:
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

func (b *binder) checkStruct(t reflect.Type) error {
	if _, known := b.structs[t]; known {
		return nil
	}
	found := members{}
	b.structs[t] = found // before its fields: a type may hold itself
	return b.collect(t, nil, found)
}

// collect adds the members of t, and those of the structs embedded in it.
func (b *binder) collect(t reflect.Type, prefix []int, found members) error {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		path := append(prefix[:len(prefix):len(prefix)], i)
		if tag == "-" {
			continue
		}
		if field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct && !custom(field.Type) {
			if err := b.collect(field.Type, path, found); err != nil {
				return err
			}
			continue
		}
		switch {
		case field.Anonymous && name == "":
			return fmt.Errorf("the embedded field %s of %s is not a plain struct", field.Name, t)
		case !field.IsExported():
			continue
		case strings.Contains(","+options+",", ",string,"):
			return fmt.Errorf("the option string at the field %s of %s is not supported", field.Name, t)
		case name == "":
			name = field.Name
		}
		if _, taken := found[name]; taken {
			return fmt.Errorf("two fields of %s are named %q", t, name)
		}
		found[name] = path
		if err := b.check(field.Type); err != nil {
			return fmt.Errorf("field %s: %w", field.Name, err)
		}
	}
	return nil
}

// closest is the member that name was probably meant to be: another spelling in upper and lower case, or one with a
// single typing error (one letter too many, missing, wrong, or two swapped). It is "" when none is close.
func (m members) closest(name string) string {
	best, folds := "", false
	for known := range m { // in any order: the choice below does not depend on it
		fold := strings.EqualFold(known, name)
		if !fold && (folds || !slip(known, name)) {
			continue
		}
		if best == "" || fold && !folds || known < best {
			best, folds = known, fold
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
