package config

import (
	"fmt"
	"strings"
)

// origin is where a value was written.
type origin struct {
	file string // set for a file, as its reader names it
	line int    // of the file
	name string // in every other case: "default", "environment APP_X", "flag --x"
}

// where is the origin as a problem names it: with the line, as compilers write it.
func (o origin) where() string {
	if o.file == "" {
		return o.name
	}
	return fmt.Sprintf("%s:%d", o.file, o.line)
}

// source is the origin as a list of settings names it.
func (o origin) source() string {
	if o.file == "" {
		return o.name
	}
	return "file " + o.file
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
			return origin{name: "default"}
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
	for name, place := range later {
		o[name] = place
	}
}

// problem says that the value of a key cannot stay, and what to write instead.
type problem struct{ key, text string }

func problemf(key, text string, args ...any) problem {
	return problem{key: key, text: fmt.Sprintf(text, args...)}
}

// at is the problem as one line with its place in front.
func (p problem) at(place origin) error {
	if p.key == "" {
		return fmt.Errorf("%s: %s", place.where(), p.text)
	}
	return fmt.Errorf("%s: %s: %s", place.where(), p.key, p.text)
}
