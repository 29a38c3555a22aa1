package system_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"oms/modules"
	"oms/modules/system"
	"oms/platform/config"
	"oms/platform/module"
)

func TestHosts(t *testing.T) {
	all := system.Defaults(modules.All)
	some := system.Defaults(modules.All)
	some.Server.Modules = []string{"sts", "order"}
	for name, here := range map[string]bool{"gateway": false, "sts": true, "order": true, "inventory": false} {
		if !all.Hosts(name) {
			t.Errorf("all does not host %s", name)
		}
		if some.Hosts(name) != here {
			t.Errorf("sts, order: hosting %s is %v", name, !here)
		}
	}
}

// TestListeners is which doors a process opens, and where its admin listener is then.
func TestListeners(t *testing.T) {
	everyOne := module.Names(modules.All)
	slices.Reverse(everyOne)
	for _, c := range []struct {
		modules   string
		split     bool
		listeners []string
		admin     string
	}{
		{"all", false, []string{"gateway"}, "localhost:9190"},
		{strings.Join(everyOne, ","), false, []string{"gateway"}, "localhost:9190"},
		{"gateway", true, []string{"gateway"}, "localhost:9190"},
		{"sts", true, []string{"sts"}, "localhost:9545"},
		{"order", true, []string{"order"}, "localhost:9192"},
		{"inventory", true, []string{"inventory"}, "localhost:9191"},
		{"inventory,order", true, []string{"order", "inventory"}, "localhost:9192"},
		{"inventory,gateway,order", true, []string{"gateway", "order", "inventory"}, "localhost:9190"},
	} {
		got := load(t, config.LoadOptions{Flags: map[string]string{"server.modules": c.modules}}).Config
		if got.Split() != c.split || got.AdminAddress() != c.admin {
			t.Errorf("%s: split %v, admin listener on %s", c.modules, got.Split(), got.AdminAddress())
		}
		if diff := cmp.Diff(c.listeners, got.Listeners()); diff != "" {
			t.Errorf("%s: %s", c.modules, diff)
		}
	}
}

func TestListenAddress(t *testing.T) {
	c := system.Defaults(modules.All)
	c.Modules["order"].Listen = ":9000"
	c.Modules["inventory"] = &system.ModuleAddress{URL: "https://[::1]:9091"}
	for name, want := range map[string]string{
		"gateway": "localhost:9090", "sts": "localhost:9445", "order": ":9000", "inventory": "[::1]:9091", "nobody": "",
	} {
		if got := c.ListenAddress(name); got != want {
			t.Errorf("%s listens on %q, want %q", name, got, want)
		}
	}
	c.Modules["sts"].URL = ""
	if got := c.ListenAddress("sts"); got != "" {
		t.Errorf("a module without an address listens on %q", got)
	}
	if c.Module("order") != *c.Modules["order"] || c.Module("gateway") != (system.ModuleAddress{}) {
		t.Errorf("got %+v and %+v", c.Module("order"), c.Module("gateway"))
	}
}

// TestPublicHosts is what the root that people import is for: what the listener is called, and nothing else.
func TestPublicHosts(t *testing.T) {
	loopback := []string{"127.0.0.1", "::1", "localhost"}
	for _, c := range []struct {
		url, address string
		want         []string
	}{
		{"https://localhost:9090", "localhost:9090", loopback},
		{"https://localhost:9090", ":9090", loopback},
		{"https://[::1]:9090", "[::1]:9090", loopback},
		{"https://127.0.0.2", "127.0.0.1:0", append([]string{"127.0.0.1", "127.0.0.2"}, loopback[1:]...)},
		{"https://shop.example.com", ":443", []string{"shop.example.com"}},
		{"https://shop.example.com", "0.0.0.0:443", []string{"shop.example.com"}},
		{"https://shop.example.com", "[::]:443", []string{"shop.example.com"}},
		{"https://shop.example.com", "shop.example.com:443", []string{"shop.example.com"}},
		{"https://shop.example.com", "192.0.2.1:443", []string{"192.0.2.1", "shop.example.com"}},
		{"https://shop.example.com", "[fe80::1%eth0]:443", []string{"shop.example.com"}}, // no certificate can name an interface
		{"https://shop.example.com", "localhost:9090", append(slices.Clone(loopback), "shop.example.com")},
	} {
		config := system.Defaults(modules.All)
		config.Server.PublicURL, config.Server.Address = c.url, c.address
		if diff := cmp.Diff(c.want, config.PublicHosts()); diff != "" {
			t.Errorf("%s on %s (-want +got): %s", c.url, c.address, diff)
		}
	}
}

// TestPublicURL: one key is enough for another port.
func TestPublicURL(t *testing.T) {
	for address, want := range map[string]string{
		"localhost:9090": "https://localhost:9090", "LocalHost:8443": "https://localhost:8443", "localhost:443": "https://localhost",
		"127.0.0.1:9090": "https://127.0.0.1:9090", "[::1]:9090": "https://[::1]:9090", "[::1]:443": "https://[::1]",
		":9090": "https://localhost:9090", "0.0.0.0:443": "https://localhost", "[::]:9443": "https://localhost:9443",
		"orders.example.com:8443": "https://orders.example.com:8443",
	} {
		loaded := load(t, config.LoadOptions{Flags: map[string]string{"server.address": address, "demo.enabled": "false"}})
		if got := loaded.Config.PublicURL(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	loaded := load(t, config.LoadOptions{Flags: map[string]string{"server.address": "localhost:1", "server.public_url": "https://orders.example.com", "demo.enabled": "false"}})
	if got := loaded.Config.PublicURL(); got != "https://orders.example.com" {
		t.Errorf("said to be another one: %s", got)
	}
}

func TestAdminAddress(t *testing.T) {
	for _, c := range []struct{ server, admin, want string }{
		{"localhost:9090", "auto", "localhost:9190"},
		{"127.0.0.1:9445", "auto", "127.0.0.1:9545"},
		{"[::1]:9090", "auto", "[::1]:9190"},
		{":9090", "auto", "localhost:9190"},
		{"0.0.0.0:8443", "auto", "localhost:8543"},
		{"orders.example.com:443", "auto", "localhost:543"},
		{"localhost:0", "auto", "localhost:0"},
		{"localhost:9090", "127.0.0.1:1", "127.0.0.1:1"},
		{"localhost:0", "localhost:0", "localhost:0"},
	} {
		loaded := load(t, config.LoadOptions{Flags: map[string]string{"server.address": c.server, "server.public_url": "https://localhost", "server.admin_address": c.admin, "demo.enabled": "false"}})
		if got := loaded.Config.AdminAddress(); got != c.want {
			t.Errorf("%s, %s: got %s, want %s", c.server, c.admin, got, c.want)
		}
	}
	// Of a module's listener, the host counts as well.
	for listen, want := range map[string]string{":9445": "localhost:9545", "127.0.0.1:1445": "127.0.0.1:1545", "localhost:0": "localhost:0"} {
		loaded := load(t, config.LoadOptions{Flags: map[string]string{"server.modules": "sts", "modules.sts.listen": listen, "demo.enabled": "false"}})
		if got := loaded.Config.AdminAddress(); got != want {
			t.Errorf("%s: got %s, want %s", listen, got, want)
		}
	}
}
