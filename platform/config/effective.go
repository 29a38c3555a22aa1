package config

import (
	"fmt"
	"reflect"
	"time"

	"go.yaml.in/yaml/v3"
)

// Setting is one key with its effective value, as config.yaml would write it on one line, and where it came from.
type Setting struct {
	Key    string
	Value  string // secrets are redacted
	Source string // "default", "embedded config.yaml", "file NAME", "environment APP_X" or "flag --x"
}

// Effective is every key in the order of the sections.
func (l *Loaded) Effective() []Setting {
	var settings []Setting
	for _, k := range l.schema.keys {
		settings = append(settings, Setting{Key: k.name, Value: written(k.field), Source: l.origins.of(k.name).source})
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
