package rpc

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// copier copies values of one type as a JSON round trip would: deeply, text checked as UTF-8, times in UTC without
// the monotonic clock, empty members that JSON omits as absent. So nothing that crosses a Conn is shared, and an
// in-process call gives what a remote one would.
type copier func(to, from reflect.Value) error

var errText = errors.New("text is not valid UTF-8")

// newCopier fails for types that do not survive a JSON round trip.
func newCopier(t reflect.Type) (copier, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s: a request or response is a struct", t)
	}
	return compile(t, nil)
}

var (
	timeType       = reflect.TypeFor[time.Time]()
	marshalerTypes = []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()}
)

// compile makes the copier of t; within are the types that t is a part of.
func compile(t reflect.Type, within []reflect.Type) (copier, error) {
	if t == timeType {
		return copyTime, nil
	}
	for _, outer := range within {
		if outer == t {
			return nil, fmt.Errorf("%s contains itself", t)
		}
	}
	for _, marshaler := range marshalerTypes {
		if reflect.PointerTo(t).Implements(marshaler) {
			return nil, fmt.Errorf("%s has a JSON form of its own, which only the wire would use", t)
		}
	}
	within = append(within[:len(within):len(within)], t)
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return copyPlain, nil
	case reflect.String:
		return copyText, nil
	case reflect.Pointer:
		return compilePointer(t, within)
	case reflect.Slice:
		return compileSlice(t, within)
	case reflect.Map:
		return compileMap(t, within)
	case reflect.Struct:
		return compileStruct(t, within)
	default:
		return nil, fmt.Errorf("%s does not survive a JSON round trip", t)
	}
}

func copyPlain(to, from reflect.Value) error { to.Set(from); return nil }

func copyText(to, from reflect.Value) error {
	if !utf8.ValidString(from.String()) {
		return errText
	}
	to.Set(from)
	return nil
}

func copyTime(to, from reflect.Value) error {
	at := from.Interface().(time.Time).UTC().Round(0)
	if year := at.Year(); year < 0 || year > 9999 { // what RFC 3339 can say
		return fmt.Errorf("the time %v has no JSON form", at)
	}
	to.Set(reflect.ValueOf(at))
	return nil
}

func compilePointer(t reflect.Type, within []reflect.Type) (copier, error) {
	if t.Elem().Kind() == reflect.Pointer {
		return nil, fmt.Errorf("%s: a pointer to a pointer does not survive a JSON round trip", t)
	}
	element, err := compile(t.Elem(), within)
	return func(to, from reflect.Value) error {
		if from.IsNil() {
			return nil
		}
		to.Set(reflect.New(t.Elem()))
		return element(to.Elem(), from.Elem())
	}, err
}

func compileSlice(t reflect.Type, within []reflect.Type) (copier, error) {
	element, err := compile(t.Elem(), within)
	return func(to, from reflect.Value) error {
		if from.IsNil() {
			return nil
		}
		to.Set(reflect.MakeSlice(t, from.Len(), from.Len()))
		for i := range from.Len() {
			if err := element(to.Index(i), from.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}, err
}

func compileMap(t reflect.Type, within []reflect.Type) (copier, error) {
	if t.Key().Kind() != reflect.String {
		return nil, fmt.Errorf("%s: the members of a map are named by strings", t)
	}
	key, keyErr := compile(t.Key(), within)
	element, err := compile(t.Elem(), within)
	return func(to, from reflect.Value) error {
		if from.IsNil() {
			return nil
		}
		to.Set(reflect.MakeMapWithSize(t, from.Len()))
		for entries := from.MapRange(); entries.Next(); {
			name, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			if err := key(name, entries.Key()); err != nil {
				return err
			}
			if err := element(value, entries.Value()); err != nil {
				return err
			}
			to.SetMapIndex(name, value)
		}
		return nil
	}, errors.Join(keyErr, err)
}

func compileStruct(t reflect.Type, within []reflect.Type) (copier, error) {
	members := make([]copier, t.NumField())
	omitted := make([]bool, t.NumField()) // an empty slice or map here is absent after a round trip
	seen := map[string]bool{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		folded := strings.ToLower(name) // encoding/json matches names without regard to case
		switch {
		case !field.IsExported() || field.Anonymous:
			return nil, fmt.Errorf("%s.%s: members are exported and named", t, field.Name)
		case name == "" || name == "-" || seen[folded]:
			return nil, fmt.Errorf("%s.%s: every member has a JSON name of its own", t, field.Name)
		case options != "" && options != "omitempty" && options != "omitzero":
			return nil, fmt.Errorf("%s.%s: the JSON option %q is not allowed here", t, field.Name, options)
		}
		seen[folded] = true
		member, err := compile(field.Type, within)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, field.Name, err)
		}
		members[i] = member
		omitted[i] = options == "omitempty" && (field.Type.Kind() == reflect.Slice || field.Type.Kind() == reflect.Map)
	}
	return func(to, from reflect.Value) error {
		for i, member := range members {
			if omitted[i] && from.Field(i).Len() == 0 {
				continue
			}
			if err := member(to.Field(i), from.Field(i)); err != nil {
				return fmt.Errorf("%s: %w", t.Field(i).Name, err)
			}
		}
		return nil
	}, nil
}
