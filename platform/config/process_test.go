package config_test

import (
	"testing"

	"oms/platform/config"
)

func TestHosts(t *testing.T) {
	all := config.Defaults()
	some := config.Defaults()
	some.Server.Modules = []string{"sts", "order"}
	for module, here := range map[string]bool{"gateway": false, "sts": true, "order": true, "inventory": false} {
		if !all.Hosts(module) {
			t.Errorf("all does not host %s", module)
		}
		if some.Hosts(module) != here {
			t.Errorf("sts, order: hosting %s is %v", module, !here)
		}
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
		loaded := load(t, config.LoadOptions{Flags: map[string]string{"server.address": c.server, "server.admin_address": c.admin, "demo.enabled": "false"}})
		if got := loaded.Config.AdminAddress(); got != c.want {
			t.Errorf("%s, %s: got %s, want %s", c.server, c.admin, got, c.want)
		}
	}
}
