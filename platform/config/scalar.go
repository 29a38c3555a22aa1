package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// setScalar sets a text, a switch or a duration from how people write it. The error tells how to write it, and repeats
// the value only where its type cannot hold a secret.
func setScalar(v reflect.Value, text string) error {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration; write a number and a unit, such as 30s, 5m or 24h", text)
		}
		v.SetInt(int64(d))
	case v.Kind() == reflect.Bool:
		word := strings.ToLower(text) // YAML knows True and TRUE too
		if word != "true" && word != "false" {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(word == "true")
	case v.Kind() == reflect.String:
		v.SetString(text)
	default:
		panic(fmt.Sprintf("config: a key of type %s has no way to be written", v.Type()))
	}
	return nil
}

// duration is d as people write it: 5m, not 5m0s.
func duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
