package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
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

// When is the one problem that a rule finds in a key where bad holds, or none.
func When(bad bool, key, text string, args ...any) []Problem {
	if !bad {
		return nil
	}
	return []Problem{Problemf(key, text, args...)}
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

// least is the shortest duration that nearly every key takes: below it the unit was forgotten.
const least = time.Second

// Between judges a duration of a second or more. A bound that is too wide is as bad as none, so each key has its own.
func Between(key string, d, most time.Duration) []Problem { return Within(key, d, least, most) }

// Within is [Between] for a key that has a lower bound of its own.
func Within(key string, d, least, most time.Duration) []Problem {
	return When(d < least || d > most, key, "%s is out of bounds; write a duration from %s to %s", Duration(d), Duration(least), Duration(most))
}

// WithinSize judges a size.
func WithinSize(key string, size, least, most Size) []Problem {
	return When(size < least || size > most, key, "%s is out of bounds; write a size from %s to %s", size, least, most)
}

// WithinNumber judges a whole number.
func WithinNumber(key string, number, least, most int64) []Problem {
	return When(number < least || number > most, key, "%d is out of bounds; write a whole number from %d to %d", number, least, most)
}

// OneOf judges a word.
func OneOf(key, value string, allowed ...string) []Problem {
	return When(!slices.Contains(allowed, value), key, "%q is not one of %s", value, strings.Join(allowed, ", "))
}

// File judges the path of a file to be read; what is in it is for its reader to judge. An empty path is not judged.
func File(key, path string) []Problem {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return []Problem{Problemf(key, "cannot read %s: %v", path, bare(err))}
	}
	return When(info.IsDir(), key, "%s is a directory; write the path of a file", path)
}

// Duration is d as people write it: 5m, not 5m0s.
func Duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
