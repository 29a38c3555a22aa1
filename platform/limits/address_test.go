package limits_test

import (
	"testing"

	"oms/platform/limits"
)

func TestOneHostIsOneAddress(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234":                 "192.0.2.7",
		"192.0.2.7":                      "192.0.2.7",
		"pipe":                           "pipe",
		"[::ffff:192.0.2.7]:1234":        "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:1234":    "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:99":      "2001:db8:1:2::/64",
		"2001:db8:1:2::":                 "2001:db8:1:2::/64",
		"[2001:db8:1:3::1]:99":           "2001:db8:1:3::/64",
		"[fe80::1%eth0]:99":              "fe80::/64",
		"[::1]:99":                       "::/64",
		"":                               "",
		"@":                              "@",
		"localhost:9090":                 "localhost:9090",
		"192.0.2.7:1234, 198.51.100.1:9": "192.0.2.7:1234, 198.51.100.1:9",
	} {
		if got := limits.AddressKey(remote); got != want {
			t.Errorf("%s counts as %s, want %s", remote, got, want)
		}
	}
}
