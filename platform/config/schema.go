package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// key is one leaf of a configuration: what may be set, and the field that holds it.
type key struct {
	name  string
	field reflect.Value
	path  bool // a file or directory: relative to where it was written
}

// schema is what a configuration can hold: its leaves in the order of the structs, and the sections around them.
type schema struct {
	keys     []key
	sections map[string]bool
}

// schemaOf reads the koanf tags of all sections. The error is one of the program, not of the configuration.
func schemaOf(sections []Section) (schema, error) {
	s := schema{sections: map[string]bool{}}
	for _, section := range sections {
		into := reflect.ValueOf(section.Into)
		if into.Kind() != reflect.Pointer || into.Elem().Kind() != reflect.Struct {
			return s, fmt.Errorf("configuration %q: a section needs a pointer to a struct, not %T", section.Path, section.Into)
		}
		if err := s.add(section.Path, into.Elem()); err != nil {
			return s, fmt.Errorf("configuration: %w", err)
		}
	}
	for _, k := range s.keys {
		if s.sections[k.name] {
			return s, fmt.Errorf("configuration: %s is a key and a section", k.name)
		}
	}
	return s, nil
}

// add takes in the fields of a struct. A struct is a section, everything else a leaf; a list of structs is one leaf,
// because it is replaced as a whole.
func (s *schema) add(path string, v reflect.Value) error {
	for section := path; section != ""; section = parent(section) {
		s.sections[section] = true
	}
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		name := join(path, tag.Get("koanf"))
		if v.Field(i).Kind() == reflect.Struct {
			if err := s.add(name, v.Field(i)); err != nil {
				return err
			}
			continue
		}
		if _, twice := s.key(name); twice {
			return fmt.Errorf("%s is the key of two fields", name)
		}
		if err := readable(name, v.Field(i).Type()); err != nil {
			return err
		}
		s.keys = append(s.keys, key{name: name, field: v.Field(i), path: tag.Get("kind") == "path"})
	}
	return nil
}

// readable says why a leaf of the type cannot be set; nil where it can.
func readable(name string, t reflect.Type) error {
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		element := schema{sections: map[string]bool{}}
		return element.add(name+"[]", reflect.New(t.Elem()).Elem())
	case t.Kind() == reflect.Slice:
		return readable(name+"[]", t.Elem())
	case t.Kind() == reflect.String || t.Kind() == reflect.Bool || t.Kind() == reflect.Int64:
		return nil
	}
	return fmt.Errorf("%s has the type %s, which nothing that can be written is", name, t)
}

// key finds a leaf by its dotted name.
func (s schema) key(name string) (key, bool) {
	for _, k := range s.keys {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

// example is the first leaf inside a section, to show how it is meant.
func (s schema) example(section string) string {
	for _, k := range s.keys {
		if strings.HasPrefix(k.name, section+".") {
			return k.name
		}
	}
	return section
}

// near is the known key that takes the fewest edits to reach: of the whole key, or of its last part where somebody has put it
// into another section. Where that is more than a slip, there is none.
func (s schema) near(name string) (string, bool) {
	edits := func(k key) int { return min(distance(name, k.name), 1+distance(last(name), last(k.name))) }
	best := slices.MinFunc(s.keys, func(a, b key) int { return cmp.Compare(edits(a), edits(b)) })
	return best.name, edits(best) <= max(2, len(last(name))/2)
}

// around is the nearest section around a key that there is, "" at the top, and what can stand in it.
func (s schema) around(name string) (section string, inside []string) {
	for section = parent(name); section != "" && !s.sections[section]; {
		section = parent(section)
	}
	for _, k := range s.keys {
		rest, in := strings.CutPrefix(k.name, section)
		if first, _, _ := strings.Cut(strings.TrimPrefix(rest, "."), "."); in && !slices.Contains(inside, first) {
			inside = append(inside, first)
		}
	}
	return section, inside
}

// join is the name of a key in a section.
func join(section, key string) string {
	if section == "" || key == "" {
		return section + key
	}
	return section + "." + key
}

// parent is the section that a key stands in, "" at the top.
func parent(name string) string { return name[:max(0, strings.LastIndexByte(name, '.'))] }

// last is the part of a key behind its last dot.
func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// distance is the number of inserted, deleted and replaced bytes between two keys (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, above, row[j])
			}
			row[j+1], diagonal = cost, above
		}
	}
	return row[len(b)]
}
