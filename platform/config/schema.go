package config

import (
	"reflect"
	"strings"
)

// key is one leaf of a configuration struct: what may be set, of which type, and where it lies in the struct.
type key struct {
	name  string
	kind  reflect.Type
	path  bool // a file or directory: relative to where it was written
	index []int
}

// schema is what a configuration struct can hold: its leaves in the order of the struct, and the sections around them.
type schema struct {
	keys     []key
	sections map[string]bool
}

// schemaOf reads the koanf tags of a struct. A struct is a section, everything else a leaf; a list of structs is one
// leaf, because it is replaced as a whole.
func schemaOf(t reflect.Type) schema {
	s := schema{sections: map[string]bool{}}
	s.add(t, "", nil)
	return s
}

func (s *schema) add(t reflect.Type, prefix string, index []int) {
	for i := range t.NumField() {
		field := t.Field(i)
		name := prefix + field.Tag.Get("koanf")
		at := append(append([]int(nil), index...), i)
		if field.Type.Kind() == reflect.Struct {
			s.sections[name] = true
			s.add(field.Type, name+".", at)
			continue
		}
		s.keys = append(s.keys, key{name: name, kind: field.Type, path: field.Tag.Get("kind") == "path", index: at})
	}
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

// nearest is the known key that takes the fewest edits to reach: of the whole key, or of its last part where somebody
// has put it into another section.
func (s schema) nearest(name string) string {
	best, least := "", -1
	for _, k := range s.keys {
		d := min(distance(name, k.name), 1+distance(last(name), last(k.name)))
		if least < 0 || d < least {
			best, least = k.name, d
		}
	}
	return best
}

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
