package config_test

import (
	"slices"
	"strings"
	"testing"

	"oms/platform/config"
)

// FuzzEnviron: a variable sets the key that its name says or is refused by its name, and no text of one breaks out of the
// value that it is.
func FuzzEnviron(f *testing.F) {
	for _, seed := range [][2]string{
		{"TRUST__DOMAIN", "shop.local"}, {"SERVER", "{zones: [a], shutdown_timeout: 90s}"}, {"SERVER__ZONES", "[a, b]"}, {"FAR__AWAY__CACHE__SHARED", "perhaps"}, {"", ""}, {"__", "{"},
		{"TRUST__DOMAIN", "a\nserver: {zones: [x]}"}, {"TRUST__DOMAIN", "\x00\xff"}, {"TRUST__ISSUERS", "&a [*a]"}, {"SERVER__SHUTDOWN_TIMEOUT", "-1s"}, {"trust__domain", "x"}, {strings.Repeat("A__", 10_000), "x"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		if strings.Contains(name, "=") {
			t.Skip("the name ends there")
		}
		c := defaults()
		before := c.server.Zones
		loaded, err := config.Load(config.LoadOptions{WorkDir: t.TempDir(), Environ: []string{"APP_" + name + "=" + value}}, c.sections()...)
		if (loaded == nil) == (err == nil) {
			t.Fatalf("got %v and %v", loaded, err)
		}
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "environment APP_") && !strings.HasPrefix(line, "default: ") {
					t.Errorf("a line without a place: %q", line)
				}
			}
			return
		}
		if !strings.HasPrefix(name, "SERVER") && !slices.Equal(c.server.Zones, before) {
			t.Fatalf("%s has set the zones %q", name, c.server.Zones)
		}
	})
}
