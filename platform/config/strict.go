package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// layer is what one source sets: values of the right type by dotted key, their places, and every problem. koanf's own
// YAML parser would forget lines, keys that appear twice, and how a text such as 1e3 was written.
type layer struct {
	schema   schema
	base     string                // relative paths are relative to this directory
	place    func(line int) origin // the place of what is being read
	variable bool                  // suggestions name environment variables too
	values   map[string]any
	origins  origins
	problems []error
}

func newLayer(s schema, base string) *layer {
	return &layer{schema: s, base: base, values: map[string]any{}, origins: origins{}}
}

func (l *layer) problem(line int, key, text string, args ...any) {
	l.problems = append(l.problems, Problemf(key, text, args...).at(l.place(line)))
}

// section reads a mapping of keys of the whole configuration.
func (l *layer) section(n *yaml.Node) {
	l.mapping(l.schema, "", n, func(k key, v reflect.Value) { l.values[k.name] = v.Interface() })
}

// mapping reads the keys of a mapping, nested (server: {address: ...}) or dotted (server.address: ...). path is the
// section, or the element of a list, that the mapping stands for.
func (l *layer) mapping(s schema, path string, n *yaml.Node, set func(key, reflect.Value)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		label, value := n.Content[i], resolved(n.Content[i+1])
		name := label.Value
		if path != "" {
			name = path + "." + name
		}
		switch k, leaf := s.key(name); {
		case seen[name]:
			l.problem(label.Line, name, "appears twice; keep one")
		case leaf:
			l.leaf(k, label.Line, value, set)
		case s.sections[name] && (value.Kind == yaml.MappingNode || isNull(value)):
			l.mapping(s, name, value, set)
		case s.sections[name]:
			l.problem(label.Line, name, "is a section and takes no value of its own; set a key in it, such as %s", s.example(name))
		default:
			l.unknown(s, label.Line, name)
		}
		seen[name] = true
	}
}

// unknown tells that there is no such key in a schema, and which one may be meant.
func (l *layer) unknown(s schema, line int, name string) {
	near, is := s.near(name)
	if !is {
		section, inside := s.around(name)
		l.problem(line, name, "unknown key; %s has %s", cmp.Or(section, "the top level"), strings.Join(inside, ", "))
		return
	}
	if _, whole := l.schema.key(near); whole && l.variable {
		near += " (" + variableOf(near) + ")"
	}
	l.problem(line, name, "unknown key; the nearest known key is %s", near)
}

// leaf reads one value. A key without a value sets nothing, so that what stands below it can be commented out.
func (l *layer) leaf(k key, line int, n *yaml.Node, set func(key, reflect.Value)) {
	if before, twice := l.origins[k.name]; twice {
		l.problem(line, k.name, "is set twice, also at %s; keep one", before.where())
		return
	}
	if isNull(n) {
		return
	}
	l.origins[k.name] = l.place(line)
	v := reflect.New(k.field.Type()).Elem()
	if l.value(v, k.path, k.name, n) {
		set(k, v)
	}
}

// value fills v from a node, or tells the problem.
func (l *layer) value(v reflect.Value, path bool, name string, n *yaml.Node) bool {
	switch {
	case v.Kind() == reflect.Slice:
		return l.list(v, name, n)
	case v.Kind() == reflect.Struct:
		return l.element(v, name, n)
	case n.Kind != yaml.ScalarNode:
		l.problem(n.Line, name, "takes one value, not a list or a section")
		return false
	case isNull(n):
		l.problem(n.Line, name, "is empty; write a value, or remove it")
		return false
	}
	text := n.Value
	if path {
		text = located(l.base, text)
	}
	if err := setScalar(v, text); err != nil {
		l.problem(n.Line, name, "%v", err)
		return false
	}
	return true
}

// list reads a sequence; a list of words can also be written as one text with commas.
func (l *layer) list(v reflect.Value, name string, n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode && v.Type().Elem().Kind() == reflect.String && strings.TrimSpace(n.Value) != "" {
		list := &yaml.Node{Kind: yaml.SequenceNode, Line: n.Line}
		for word := range strings.SplitSeq(n.Value, ",") {
			list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimSpace(word), Line: n.Line})
		}
		n = list
	}
	if n.Kind != yaml.SequenceNode {
		l.problem(n.Line, name, "takes a list: [a, b], or [] for none")
		return false
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	whole := true
	for i, item := range n.Content {
		item, at := resolved(item), fmt.Sprintf("%s[%d]", name, i)
		l.origins[at] = l.place(item.Line)
		whole = l.value(v.Index(i), false, at, item) && whole
	}
	return whole
}

// element reads one struct of a list over the defaults of its type. Its problems are told on the way; what could be
// read is kept, so that the rest of it is judged too.
func (l *layer) element(v reflect.Value, at string, n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		l.problem(n.Line, at, "takes a section: {key: value}")
		return false
	}
	if with, has := v.Addr().Interface().(interface{ SetDefaults() }); has {
		with.SetDefaults()
	}
	s := schema{sections: map[string]bool{}}
	_ = s.add(at, v) // its type was looked at with all others
	l.mapping(s, at, n, func(k key, value reflect.Value) { k.field.Set(value) })
	return true
}

// located is a path as seen from the directory in which it was written. An empty path stays "not set".
func located(base, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// resolved follows an alias to what it stands for.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
