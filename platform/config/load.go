package config

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

// LoadOptions are the sources of a configuration. The caller reads the process's surroundings, so that a test can give
// its own.
type LoadOptions struct {
	File     string            // --config; "" is ./config.yaml where it exists, else Embedded
	Embedded []byte            // the config.yaml of the binary
	Environ  []string          // NAME=value, as os.Environ gives it; only APP_... is read
	Flags    map[string]string // by dotted key, only those that were given
	WorkDir  string            // what relative paths of flags and environment are relative to; "" is the process's own
}

// Loaded is a configuration that holds, together with where each value came from.
type Loaded struct {
	Config  Config
	origins origins
}

// Load reads the sources: defaults < file < environment < flags. Relative paths of a file are relative to its directory.
// The error holds every problem there is, one line each; the configuration is usable only without one.
func Load(o LoadOptions) (*Loaded, error) {
	s := schemaOf(reflect.TypeFor[Config]())
	file, err := readFile(s, o)
	if err != nil {
		return nil, err
	}
	layers := []*layer{defaultLayer(s, o), file, readEnvironment(s, o), readFlags(s, o)}

	merged := koanf.New(".")
	loaded := &Loaded{origins: origins{}}
	var problems []error
	for _, l := range layers {
		if err := merged.Load(confmap.Provider(l.values, "."), nil); err != nil {
			return nil, fmt.Errorf("merge the configuration: %w", err)
		}
		loaded.origins.overlay(l.origins)
		problems = append(problems, l.problems...)
	}
	if err := merged.Unmarshal("", &loaded.Config); err != nil {
		return nil, fmt.Errorf("merge the configuration: %w", err)
	}
	for _, p := range loaded.Config.problems() {
		problems = append(problems, p.at(loaded.origins.of(p.key)))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return loaded, nil
}

// defaultLayer is [Defaults] as the lowest layer.
func defaultLayer(s schema, o LoadOptions) *layer {
	l := newLayer(s, o.WorkDir)
	defaults := reflect.ValueOf(Defaults())
	for _, k := range s.keys {
		value := defaults.FieldByIndex(k.index)
		if k.path {
			value = reflect.ValueOf(located(l.base, value.String()))
		}
		l.values[k.name] = value.Interface()
	}
	return l
}
