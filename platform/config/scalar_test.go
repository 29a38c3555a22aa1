package config_test

import (
	"testing"

	"oms/platform/config"
)

// cacheWith is a configuration whose cache has one key set.
func cacheWith(key, value string) config.LoadOptions {
	return config.LoadOptions{Flags: map[string]string{"far.away.cache." + key: value}}
}

func TestSizesAndNumbersAreReadAndShownAsPeopleWriteThem(t *testing.T) {
	for written, want := range map[string]config.Size{"64 KiB": 64 * config.KiB, "256MiB": 256 * config.MiB, "2 GiB": 2 * config.GiB, "0": 0, "1536 KiB": 1536 * config.KiB} {
		s, loaded := load(t, cacheWith("memory", written))
		if s.cache.Memory != want {
			t.Errorf("%s is read as %d", written, s.cache.Memory)
		}
		again, _ := load(t, cacheWith("memory", setting(t, loaded, "far.away.cache.memory").Value))
		if again.cache.Memory != want {
			t.Errorf("%s is shown as %s", written, s.cache.Memory)
		}
	}
	if s, _ := load(t, cacheWith("entries", "100000")); s.cache.Entries != 100_000 {
		t.Errorf("got %d", s.cache.Entries)
	}
}

func TestSizesAndNumbersThatCanBeMisreadAreRefused(t *testing.T) {
	for _, text := range []string{"", "1", "64", "64 MB", "64 mib", "-1 MiB", "1.5 GiB", "MiB", "1e3 KiB", "4294967296 GiB"} {
		refused(t, "is not a size; write a whole number and a unit", cacheWith("memory", text))
	}
	for _, text := range []string{"", "1.5", "1e3", "many", "9223372036854775808"} {
		refused(t, "is not a whole number; write its digits", cacheWith("entries", text))
	}
}

func TestBoundsOfSizesAndNumbers(t *testing.T) {
	for _, outside := range []config.Size{config.MiB - 1, config.GiB + 1} {
		if len(config.WithinSize("memory", outside, config.MiB, config.GiB)) != 1 {
			t.Errorf("%s is accepted", outside)
		}
	}
	for _, outside := range []int64{0, 11} {
		if len(config.WithinNumber("entries", outside, 1, 10)) != 1 {
			t.Errorf("%d is accepted", outside)
		}
	}
	if len(config.WithinSize("memory", config.MiB, config.MiB, config.GiB))+len(config.WithinNumber("entries", 10, 1, 10)) != 0 {
		t.Error("a bound itself is refused")
	}
}
