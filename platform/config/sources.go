package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/env/v2"
	"go.yaml.in/yaml/v3"
)

// fileName is the configuration file that is read without being asked for, and the name of the embedded one.
const fileName = "config.yaml"

// prefix begins every environment variable that belongs to this process; levels are divided by two underscores, since
// keys hold single ones.
const prefix = "APP_"

// readFile is the layer of the one configuration file: the named one, else ./config.yaml, else the embedded one.
func readFile(s schema, o LoadOptions) (*layer, error) {
	name := cmp.Or(o.File, fileName)
	path := located(o.WorkDir, name)
	text, err := os.ReadFile(path)
	base, source := filepath.Dir(path), "file "+name
	if o.File == "" && errors.Is(err, fs.ErrNotExist) {
		text, err, base, source = o.Embedded, nil, o.WorkDir, "embedded "+fileName
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration file %s: %w; name another one with --config", oneLine(name), bare(err))
	}
	l := newLayer(s, base)
	l.place = func(line int) origin { return origin{source: source, line: line} }
	l.document(text)
	return l, nil
}

// bare is a file error without the operation and the path, which the text around it names.
func bare(err error) error {
	if path, is := errors.AsType[*fs.PathError](err); is {
		return path.Err
	}
	return err
}

// document reads a YAML text: one document that is a mapping, or nothing at all.
func (l *layer) document(text []byte) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var root, more yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF):
		return
	case err != nil:
		l.syntax(err)
		return
	}
	if err := decoder.Decode(&more); err == nil {
		l.problem(more.Line, "", "a second document begins here; keep one")
	} else if !errors.Is(err, io.EOF) {
		l.syntax(err)
		return
	}
	switch top := resolved(root.Content[0]); {
	case isNull(top): // nothing but comments
	case top.Kind != yaml.MappingNode:
		l.problem(top.Line, "", "takes keys and values, such as server.address: localhost:9090")
	default:
		l.section(top)
	}
}

// syntax tells that a text is not YAML; the parser's own text has the line.
func (l *layer) syntax(err error) {
	l.problem(0, "", "is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
}

// readEnvironment is the layer of the variables that are ours. An unknown one is a problem like an unknown key.
func readEnvironment(s schema, o LoadOptions) (*layer, error) {
	variables, err := env.Provider("", env.Opt{Prefix: prefix, EnvironFunc: func() []string { return o.Environ }}).Read()
	if err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	l := newLayer(s, o.WorkDir)
	l.variable = true
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		l.place = func(int) origin { return origin{source: "environment " + name} }
		switch key, meant := s.variable(name); {
		case key != "":
			l.text(key, fmt.Sprint(variables[name]))
		case meant != "":
			l.problem(0, keyOf(name), "unknown key; the nearest known key is %s (%s)", meant, variableOf(meant))
		}
	}
	return l, nil
}

// variable is the key that a variable with our prefix sets; "" is none. Others begin theirs so too: Kubernetes gives every
// container APP_PORT and APP_SERVICE_HOST where a service is named app, and CI has an APP_ENV. Ours have two underscores between
// levels; what has none is ours where it is a key of the top level. meant is the key of whoever has written one underscore for
// two, or has mistyped a key of the top level.
func (s schema) variable(name string) (key, meant string) {
	key = keyOf(name)
	if _, known := s.key(key); known || s.sections[key] || strings.Contains(key, ".") {
		return key, ""
	}
	for _, k := range s.keys {
		if strings.ReplaceAll(k.name, ".", "_") == key {
			return "", k.name
		}
	}
	if near, is := s.near(key); is && !strings.Contains(near, ".") {
		return "", near
	}
	return "", ""
}

// readFlags is the layer of the command line.
func readFlags(s schema, o LoadOptions) *layer {
	l := newLayer(s, o.WorkDir)
	for _, name := range slices.Sorted(maps.Keys(o.Flags)) {
		place := origin{source: "flag --" + strings.ReplaceAll(last(name), "_", "-")}
		l.place = func(int) origin { return place }
		l.text(name, o.Flags[name])
	}
	return l
}

// keyOf is the key that an environment variable sets: APP_SERVER__ADDRESS is server.address.
func keyOf(variable string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, prefix)), "__", ".")
}

// variableOf is the environment variable that sets a key.
func variableOf(key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "__"))
}

// text sets one key from a text of its own: lists and sections are YAML, everything else is taken as it stands.
func (l *layer) text(name, text string) {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if k, leaf := l.schema.key(name); !leaf || k.field.Kind() == reflect.Slice {
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			l.syntax(err)
			return
		}
		if len(document.Content) > 0 && !isNull(document.Content[0]) {
			node = document.Content[0]
		}
	}
	label := &yaml.Node{Kind: yaml.ScalarNode, Value: name}
	l.section(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{label, node}})
}
