package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// layer is what one source sets: values of the right type by dotted key, their places, and every problem.
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
	l.problems = append(l.problems, problemf(key, text, args...).at(l.place(line)))
}

// section reads a mapping of keys of the whole configuration.
func (l *layer) section(n *yaml.Node) {
	l.mapping(l.schema, "", "", n, func(k key, v reflect.Value) { l.values[k.name] = v.Interface() })
}

// mapping reads the keys of a mapping, nested (server: {address: ...}) or dotted (server.address: ...), and gives each
// value to set. prefix is the section of the schema that the mapping stands for ("server."); list is what stands before
// a name when a problem is told, where the schema is that of a list's element ("trust.issuers[0].").
func (l *layer) mapping(s schema, list, prefix string, n *yaml.Node, set func(key, reflect.Value)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		label, value := n.Content[i], resolved(n.Content[i+1])
		name := prefix + label.Value
		switch k, leaf := s.key(name); {
		case seen[label.Value]:
			l.problem(label.Line, list+name, "appears twice; keep one")
		case leaf:
			l.leaf(k, list, label.Line, value, set)
		case s.sections[name] && (value.Kind == yaml.MappingNode || isNull(value)):
			l.mapping(s, list, name+".", value, set)
		case s.sections[name]:
			l.problem(label.Line, list+name, "is a section and takes no value of its own; set a key in it, such as %s", list+s.example(name))
		default:
			l.unknown(s, list, label.Line, name)
		}
		seen[label.Value] = true
	}
}

// leaf reads one value. A key without a value sets nothing, so that what stands below it can be commented out.
func (l *layer) leaf(k key, list string, line int, n *yaml.Node, set func(key, reflect.Value)) {
	name := list + k.name
	if before, twice := l.origins[name]; twice {
		l.problem(line, name, "is set twice, also at %s; keep one", before.where())
		return
	}
	if isNull(n) {
		return
	}
	l.origins[name] = l.place(line)
	if v, ok := l.value(k.kind, k.path, name, n); ok {
		set(k, v)
	}
}

func (l *layer) unknown(s schema, list string, line int, name string) {
	near := list + s.nearest(name)
	if l.variable && list == "" {
		near += " (" + variableOf(near) + ")"
	}
	l.problem(line, list+name, "unknown key; the nearest known key is %s", near)
}

// value turns a node into a value of the type, or tells the problem.
func (l *layer) value(t reflect.Type, path bool, name string, n *yaml.Node) (reflect.Value, bool) {
	v := reflect.New(t).Elem()
	switch {
	case t.Kind() == reflect.Slice:
		return l.list(v, name, n)
	case n.Kind != yaml.ScalarNode:
		l.problem(n.Line, name, "takes one value, not a list or a section")
		return v, false
	case isNull(n):
		l.problem(n.Line, name, "is empty; write a value, or remove it")
		return v, false
	}
	text := n.Value
	if path {
		text = located(l.base, text)
	}
	if err := setScalar(v, text); err != nil {
		l.problem(n.Line, name, "%v", err)
		return v, false
	}
	return v, true
}

// list reads a sequence; a list of words can also be written as one text with commas.
func (l *layer) list(v reflect.Value, name string, n *yaml.Node) (reflect.Value, bool) {
	element := v.Type().Elem()
	if n.Kind == yaml.ScalarNode && element.Kind() == reflect.String && strings.TrimSpace(n.Value) != "" {
		n = words(n)
	}
	if n.Kind != yaml.SequenceNode {
		l.problem(n.Line, name, "takes a list: [a, b], or [] for none")
		return v, false
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, len(n.Content)))
	whole := true
	for i, item := range n.Content {
		item, at := resolved(item), fmt.Sprintf("%s[%d]", name, i)
		l.origins[at] = l.place(item.Line)
		read := l.value
		if element.Kind() == reflect.Struct {
			read = l.element
		}
		one, ok := read(element, false, at, item)
		whole = whole && ok
		v.Set(reflect.Append(v, one))
	}
	return v, whole
}

// element reads one struct of a list over the defaults of its type. Its problems are told on the way; what could be
// read is kept, so that the rest of it is judged too.
func (l *layer) element(t reflect.Type, _ bool, at string, n *yaml.Node) (reflect.Value, bool) {
	v := reflect.New(t).Elem()
	if with, ok := v.Interface().(interface{ defaults() any }); ok {
		v.Set(reflect.ValueOf(with.defaults()))
	}
	if n.Kind != yaml.MappingNode {
		l.problem(n.Line, at, "takes a section: {key: value}")
		return v, false
	}
	l.mapping(schemaOf(t), at+".", "", n, func(k key, field reflect.Value) { v.FieldByIndex(k.index).Set(field) })
	return v, true
}

// words is the list that "a, b" stands for.
func words(n *yaml.Node) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Line: n.Line}
	for word := range strings.SplitSeq(n.Value, ",") {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimSpace(word), Line: n.Line})
	}
	return list
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
