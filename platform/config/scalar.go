package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes, written as a whole number with a unit: 64 KiB, 256 MiB, 2 GiB; 0 needs none.
type Size int64

// The units of sizes.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

// units are how sizes are written, the largest first.
var units = []struct {
	name string
	size Size
}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}}

// String is the size in the largest unit that divides it.
func (s Size) String() string {
	for _, unit := range units {
		if s != 0 && s%unit.size == 0 {
			return strconv.FormatInt(int64(s/unit.size), 10) + " " + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// parseSize reads a size. Bytes without a unit would be mistaken for another one sooner or later, so only 0 goes without.
func parseSize(text string) (Size, bool) {
	for _, unit := range units {
		digits, found := strings.CutSuffix(text, unit.name)
		if number, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 32); found && err == nil {
			return Size(number) * unit.size, true
		}
	}
	return 0, text == "0"
}

// setScalar sets a text, a switch, a duration, a size or a whole number from how people write it. The error tells how to
// write it, and repeats the value only where its type cannot hold a secret.
func setScalar(v reflect.Value, text string) error {
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		word := strings.ToLower(text) // YAML knows True and TRUE too
		if word != "true" && word != "false" {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(word == "true")
	case v.Type() == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration; write a number and a unit, such as 30s, 5m or 24h", text)
		}
		v.SetInt(int64(d))
	case v.Type() == reflect.TypeFor[Size]():
		size, ok := parseSize(text)
		if !ok {
			return fmt.Errorf("%q is not a size; write a whole number and a unit, such as 64 KiB, 256 MiB or 2 GiB", text)
		}
		v.SetInt(int64(size))
	default: // a whole number; there is nothing else that is readable
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number; write its digits, such as 100000", text)
		}
		v.SetInt(number)
	}
	return nil
}
