package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// least is the shortest duration that nearly every key takes: below it the unit was forgotten.
const least = time.Second

// Between judges a duration of a second or more. A bound that is too wide is as bad as none, so each key has its own.
func Between(key string, d, most time.Duration) []Problem { return Within(key, d, least, most) }

// Within is [Between] for a key that has a lower bound of its own.
func Within(key string, d, least, most time.Duration) []Problem {
	if d < least || d > most {
		return []Problem{Problemf(key, "%s is out of bounds; write a duration from %s to %s", Duration(d), Duration(least), Duration(most))}
	}
	return nil
}

// OneOf judges a word.
func OneOf(key, value string, allowed ...string) []Problem {
	if !slices.Contains(allowed, value) {
		return []Problem{Problemf(key, "%q is not one of %s", value, strings.Join(allowed, ", "))}
	}
	return nil
}

// File judges the path of a file to be read; what is in it is for its reader to judge. An empty path is not judged.
func File(key, path string) []Problem {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return []Problem{Problemf(key, "cannot read %s: %v", path, bare(err))}
	case info.IsDir():
		return []Problem{Problemf(key, "%s is a directory; write the path of a file", path)}
	}
	return nil
}

// Judged is the problem that err tells of a key, or none.
func Judged(key string, err error) []Problem {
	if err != nil {
		return []Problem{{key, fmt.Sprint(err)}}
	}
	return nil
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
