package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
)

// origin is where a value was written.
type origin struct {
	source string // "default", "embedded config.yaml", "file NAME", "environment APP_X" or "flag --x"
	line   int    // of a file, from 1; 0 for what has no lines
}

// where is the origin as a problem names it: a place in a file as compilers write it, so that editors find it.
func (o origin) where() string {
	name := strings.TrimPrefix(o.source, "file ")
	if o.line == 0 {
		return name
	}
	return fmt.Sprintf("%s:%d", name, o.line)
}

// origins are the places of keys (server.address) and of the parts of a list's elements (trust.issuers[0].audience).
type origins map[string]origin

// of is the place of a key or, for what nobody wrote, of the nearest thing around it.
func (o origins) of(name string) origin {
	for {
		if place, known := o[name]; known {
			return place
		}
		cut := strings.LastIndexAny(name, ".[")
		if cut < 0 {
			return origin{source: "default"}
		}
		name = name[:cut]
	}
}

// overlay takes over the places of a later layer; a list that it replaces takes the places of its elements with it.
func (o origins) overlay(later origins) {
	for name := range o {
		if head, _, element := strings.Cut(name, "["); element {
			if _, replaced := later[head]; replaced {
				delete(o, name)
			}
		}
	}
	maps.Copy(o, later)
}

// Problem says that the value of a key cannot stay, and what to write instead.
type Problem struct{ Key, Text string }

// Problemf formats the text of a problem.
func Problemf(key, text string, args ...any) Problem {
	return Problem{Key: key, Text: fmt.Sprintf(text, args...)}
}

// Under gives problems whose keys are relative to a section, or to an element of a list, their place in it.
func Under(path string, list []Problem) []Problem {
	placed := make([]Problem, len(list))
	for i, p := range list {
		placed[i] = Problem{join(path, p.Key), p.Text}
	}
	return placed
}

// at is the problem as one line with its place in front.
func (p Problem) at(place origin) error {
	line := place.where() + ": "
	if p.Key != "" {
		line += p.Key + ": "
	}
	return errors.New(oneLine(line + p.Text))
}

var control = regexp.MustCompile(`\p{Cc}`)

// oneLine writes control characters as Go would, so that no key or path can break a line or a terminal.
func oneLine(text string) string {
	return control.ReplaceAllStringFunc(text, func(c string) string { return strings.Trim(strconv.Quote(c), `"`) })
}
