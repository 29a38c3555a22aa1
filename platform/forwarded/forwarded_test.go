package forwarded_test

import (
	"net/http"
	"strings"
	"testing"

	"oms/platform/forwarded"
)

func networksOf(t testing.TB, texts ...string) forwarded.Networks {
	t.Helper()
	list, err := forwarded.ParseNetworks(texts)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

const proxy, stranger = "10.0.0.1:4711", "203.0.113.9:4711"

// Each line is a header as it arrives, "|" between repeated ones.
func TestTheNearestAddressThatIsNoProxyCounts(t *testing.T) {
	trusted := networksOf(t, "10.0.0.0/8", "2001:db8:ffff::/48", "192.0.2.50")
	for _, c := range []struct{ peer, header, lines, want string }{
		{proxy, "X-Forwarded-For", "198.51.100.7", "198.51.100.7:0"},
		{proxy, "X-Forwarded-For", "6.6.6.6, 198.51.100.7", "198.51.100.7:0"},
		{proxy, "X-Forwarded-For", "6.6.6.6|198.51.100.7", "198.51.100.7:0"},
		{proxy, "X-Forwarded-For", "6.6.6.6, 198.51.100.7,10.1.1.1 , 192.0.2.50", "198.51.100.7:0"},
		{proxy, "X-Forwarded-For", "10.9.9.9, 10.1.1.1", "10.9.9.9:0"},
		{proxy, "X-Forwarded-For", "2001:db8::7", "[2001:db8::7]:0"},
		{proxy, "X-Forwarded-For", "2001:db8::7, 2001:db8:ffff::1", "[2001:db8::7]:0"},
		{proxy, "X-Forwarded-For", "[2001:db8::7]:80", "[2001:db8::7]:0"},
		{proxy, "X-Forwarded-For", "198.51.100.7:80", "198.51.100.7:0"},
		{proxy, "X-Forwarded-For", "::ffff:198.51.100.7", "198.51.100.7:0"},
		{"[::ffff:10.0.0.1]:4711", "X-Forwarded-For", "198.51.100.7", "198.51.100.7:0"},
		{proxy, "Forwarded", "for=198.51.100.7", "198.51.100.7:0"},
		{proxy, "Forwarded", `For="[2001:db8::7]:4711";proto=https;by=10.0.0.1`, "[2001:db8::7]:0"},
		{proxy, "Forwarded", `for="[2001:db8::7]"`, "[2001:db8::7]:0"},
		{proxy, "Forwarded", `for=6.6.6.6, for=198.51.100.7;host=localhost, for="10.0.0.2:80"`, "198.51.100.7:0"},
		{proxy, "Forwarded", `for=6.6.6.6|for="198.51.100.7"`, "198.51.100.7:0"},
		{proxy, "Forwarded", `host="a, for=6.6.6.6|for=198.51.100.7`, "198.51.100.7:0"},
		// What is malformed is not believed, and nothing before it.
		{proxy, "X-Forwarded-For", "", proxy},
		{proxy, "X-Forwarded-For", "unknown", proxy},
		{proxy, "X-Forwarded-For", "198.51.100.7,", proxy},
		{proxy, "X-Forwarded-For", "198.51.100.7, 10.0.0.300", proxy},
		{proxy, "X-Forwarded-For", "198.51.100.7, x, 10.0.0.2", "10.0.0.2:0"},
		{proxy, "X-Forwarded-For", "198.51.100.7 6.6.6.6", proxy},
		{proxy, "X-Forwarded-For", "fe80::1%eth0", proxy},
		{proxy, "X-Forwarded-For", "[198.51.100.7]", proxy},
		{proxy, "X-Forwarded-For", "[2001:db8::7", proxy},
		{proxy, "X-Forwarded-For", "198.51.100.007", proxy},
		{proxy, "X-Forwarded-For", strings.Repeat("1", 60_000), proxy},
		{proxy, "Forwarded", "198.51.100.7", proxy},
		{proxy, "Forwarded", "for=unknown", proxy},
		{proxy, "Forwarded", "for=_hidden", proxy},
		{proxy, "Forwarded", "for=2001:db8::7", proxy},
		{proxy, "Forwarded", `for="2001:db8::7"`, proxy},
		{proxy, "Forwarded", "for=198.51.100.7:80", proxy},
		{proxy, "Forwarded", "for=198.51.100.7;for=6.6.6.6", proxy},
		{proxy, "Forwarded", `for="198.51.100.7`, proxy},
		{proxy, "Forwarded", "proto=https", proxy},
		{proxy, "Forwarded", "for", proxy},
		// Strangers are whom their connection says.
		{stranger, "X-Forwarded-For", "198.51.100.7", stranger},
		{stranger, "Forwarded", "for=198.51.100.7", stranger},
		{"192.0.2.51:4711", "X-Forwarded-For", "198.51.100.7", "192.0.2.51:4711"},
		{"[2001:db8:fffe::1]:4711", "X-Forwarded-For", "198.51.100.7", "[2001:db8:fffe::1]:4711"},
		{"", "X-Forwarded-For", "198.51.100.7", ""},
		{proxy, "X-Real-IP", "198.51.100.7", proxy},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		for line := range strings.SplitSeq(c.lines, "|") {
			r.Header.Add(c.header, line)
		}
		if got := trusted.Client(r); got != c.want {
			t.Errorf("%s with %s: %.60s counts as %s, want %s", c.peer, c.header, c.lines, got, c.want)
		}
	}
}

// A proxy that knows one header passes the other one on as the client has written it.
func TestTwoHeadersAreBelievedWhereTheyAgree(t *testing.T) {
	trusted := networksOf(t, "10.0.0.0/8")
	for standard, want := range map[string]string{"for=198.51.100.7": "198.51.100.7:0", "for=6.6.6.6": proxy, "for=unknown": proxy} {
		r := &http.Request{RemoteAddr: proxy, Header: http.Header{"Forwarded": {standard}, "X-Forwarded-For": {"198.51.100.7"}}}
		if got := trusted.Client(r); got != want {
			t.Errorf("%s counts as %s, want %s", standard, got, want)
		}
	}
}

func TestWithoutNetworksNobodyIsBelieved(t *testing.T) {
	r := &http.Request{RemoteAddr: proxy, Header: http.Header{"X-Forwarded-For": {"198.51.100.7"}}}
	if got := networksOf(t).Client(r); got != proxy {
		t.Errorf("it counts as %s", got)
	}
}

func TestNetworksThatCannotBeMeantAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "neither a network nor an address",
		"proxy.example.com":    "neither a network nor an address",
		"10.0.0.0/33":          "neither a network nor an address",
		"10.0.0.1/8":           "write 10.0.0.0/8",
		"0.0.0.0/0":            "is everybody",
		"::/0":                 "is everybody",
		"fe80::1%eth0":         "neither a network nor an address",
		"::ffff:10.0.0.0/104":  "neither a network nor an address",
		"10.0.0.0/8,127.0.0.1": "neither a network nor an address",
	} {
		if _, err := forwarded.ParseNetworks([]string{"127.0.0.1", text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
