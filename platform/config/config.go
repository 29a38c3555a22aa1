// Package config reads configuration into structs that it is given, and knows no key of its own.
//
// A value comes from the structs' defaults, the configuration file, the environment or the command line; the later one
// wins ([Load]). The package promises to be strict: an unknown key, a value of the wrong kind and whatever the structs
// object to are errors, all of them are told at once, and each says where it stands and what to write instead. It reads
// configuration once, at start; it does not watch files, hold global state or log.
package config

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v3"
)

// Section is a part of the configuration.
type Section struct {
	// Path is what its keys begin with; "" is the top.
	Path string

	// Into points to a struct that holds the defaults and is filled. Its keys are its koanf tags; nested structs are
	// sections of their own. Fields are texts, switches, durations, sizes, whole numbers (int64), and lists of those or
	// of structs. A text with the tag kind:"path" is a path, relative to where it was written. An element of a list
	// begins as its SetDefaults leaves it, where it has one.
	//
	// Where it has a method Problems() []Problem, that judges the values, with keys relative to Path.
	Into any

	// Check judges what takes more than this section, after all of them are filled; nil checks nothing. Its keys are
	// relative to Path too.
	Check func() []Problem
}

// LoadOptions are the sources of a configuration. The caller reads the process's surroundings, so that a test can give
// its own.
type LoadOptions struct {
	File     string            // --config; "" is ./config.yaml where it exists, else Embedded
	Embedded []byte            // the config.yaml of the binary
	Environ  []string          // NAME=value, as os.Environ gives it; only APP_... is read
	Flags    map[string]string // by dotted key, only those that were given
	WorkDir  string            // what relative paths of flags and environment are relative to; "" is the process's own
}

// Loaded tells what is in force and where each value came from.
type Loaded struct {
	schema   schema
	origins  origins
	defaults map[string]string // of each key, as [Setting] has them
}

// Load fills the sections from the sources: defaults < file < environment < flags. Relative paths of a file are relative
// to its directory. The error holds every problem there is, one line each, in the order of the sections; they are usable
// only without one.
func Load(o LoadOptions, sections ...Section) (*Loaded, error) {
	s, err := schemaOf(sections)
	if err != nil {
		return nil, err
	}
	file, err := readFile(s, o)
	if err != nil {
		return nil, err
	}
	environment, err := readEnvironment(s, o)
	if err != nil {
		return nil, err
	}
	loaded := &Loaded{schema: s, origins: origins{}, defaults: map[string]string{}}
	for _, k := range s.keys {
		loaded.defaults[k.name] = written(k.field)
	}
	merged := koanf.New(".")
	var problems []error
	for _, l := range []*layer{defaults(s, o), file, environment, readFlags(s, o)} {
		if err := merged.Load(confmap.Provider(l.values, "."), nil); err != nil {
			return nil, fmt.Errorf("merge the configuration: %w", err)
		}
		loaded.origins.overlay(l.origins)
		problems = append(problems, l.problems...)
	}
	for _, k := range s.keys {
		k.field.Set(reflect.ValueOf(merged.Get(k.name))) // every layer holds values of the field's type
	}
	for _, section := range sections {
		for _, p := range section.problems() {
			problems = append(problems, p.at(loaded.origins.of(p.Key)))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return loaded, nil
}

// problems are everything about the values of a section that cannot stay, with their whole keys.
func (s Section) problems() (list []Problem) {
	if judges, can := s.Into.(interface{ Problems() []Problem }); can {
		list = judges.Problems()
	}
	if s.Check != nil {
		list = append(list, s.Check()...)
	}
	return Under(s.Path, list)
}

// defaults are what the structs hold already, as the lowest layer.
func defaults(s schema, o LoadOptions) *layer {
	l := newLayer(s, o.WorkDir)
	for _, k := range s.keys {
		l.values[k.name] = k.field.Interface()
		if k.path {
			l.values[k.name] = located(l.base, k.field.String())
		}
	}
	return l
}

// Setting is one key with its effective value, as config.yaml would write it on one line, and where it came from.
type Setting struct {
	Key     string `json:"key"`
	Value   string `json:"value"`   // secrets are redacted
	Default string `json:"default"` // as Value
	Source  string `json:"source"`  // "default", "embedded config.yaml", "file NAME", "environment APP_X" or "flag --x"
}

// Effective is every key in the order of the sections.
func (l *Loaded) Effective() []Setting {
	var settings []Setting
	for _, k := range l.schema.keys {
		settings = append(settings, Setting{Key: k.name, Value: written(k.field), Default: l.defaults[k.name], Source: l.origins.of(k.name).source})
	}
	return settings
}

// written is a value as one line of YAML.
func written(v reflect.Value) string {
	text, err := yaml.Marshal(node(v))
	if err != nil {
		return fmt.Sprintf("cannot be shown: %v", err) // texts, switches and lists of them always can
	}
	return string(text[:len(text)-1]) // without the line's end
}

// node is a value as YAML on one line. Texts go through fmt, so that a type which redacts itself is redacted here too.
func node(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Style: yaml.FlowStyle}
	switch v.Kind() {
	case reflect.Slice:
		n.Kind = yaml.SequenceNode
		for i := range v.Len() {
			n.Content = append(n.Content, node(v.Index(i)))
		}
	case reflect.Struct:
		n.Kind = yaml.MappingNode
		for i := range v.NumField() {
			label := &yaml.Node{Kind: yaml.ScalarNode, Value: v.Type().Field(i).Tag.Get("koanf")}
			n.Content = append(n.Content, label, node(v.Field(i)))
		}
	default:
		n.Style = 0
		value := v.Interface()
		if d, ok := value.(time.Duration); ok {
			value = Duration(d)
		}
		text := fmt.Sprint(value)
		if v.Kind() == reflect.String {
			n.SetString(text)
			if n.Style == yaml.LiteralStyle { // a text of several lines
				n.Style = yaml.DoubleQuotedStyle
			}
		} else {
			n.Kind, n.Value = yaml.ScalarNode, text
		}
	}
	return n
}
