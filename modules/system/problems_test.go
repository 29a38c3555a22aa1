package system_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"oms/modules"
	"oms/modules/system"
	"oms/platform/config"
)

// TestEveryProblemIsTold shows the texts of all problems of one configuration: each on a line of its own, with its
// place, what is wrong and what to write.
func TestEveryProblemIsTold(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "etc/oms.yaml", `server:
  adress: localhost:9090
  public_url: http://localhost:9090
  modules: [gateway, orders]
  shutdown_timeout: 30
  tls: on
order.public_read: yes
order:
  public_read: false
public_read: true
trust:
  issuers:
    - issuer: wso2
      audience: ballerina
      jwks_url: https://localhost/jwks
    - issuer: a|b
      audience: x
      jwks_file: missing.json
      algorithms: [HS256]
log:
  level: [info]
  format: xml
`)
	_, err := system.Load(config.LoadOptions{
		WorkDir: dir,
		File:    "etc/oms.yaml",
		Environ: []string{"APP_SERVER_ADDRESS=localhost:1", "APP_DEMO__ENABLED=1", "APP_SERVER__ADDRESS=0.0.0.0:9090", "APP_Data_Dir=a", "APP_DATA_DIR=b"},
		Flags:   map[string]string{"server.tls.key_file": "key.pem", "sts.access_token_ttl": "0s"},
	}, modules.All)
	if err == nil {
		t.Fatal("there is no error")
	}
	want := []string{
		`etc/oms.yaml:2: server.adress: unknown key; the nearest known key is server.address`,
		`etc/oms.yaml:5: server.shutdown_timeout: "30" is not a duration; write a number and a unit, such as 30s, 5m or 24h`,
		`etc/oms.yaml:6: server.tls: is a section and takes no value of its own; set a key in it, such as server.tls.cert_file`,
		`etc/oms.yaml:7: order.public_read: "yes" is neither true nor false`,
		`etc/oms.yaml:9: order.public_read: is set twice, also at etc/oms.yaml:7; keep one`,
		`etc/oms.yaml:10: public_read: unknown key; the nearest known key is order.public_read`,
		`etc/oms.yaml:15: trust.issuers[0].jwks_url: unknown key; the nearest known key is trust.issuers[0].jwks_file`,
		`etc/oms.yaml:21: log.level: takes one value, not a list or a section`,
		`environment APP_DEMO__ENABLED: demo.enabled: "1" is neither true nor false`,
		`environment APP_Data_Dir: data_dir: is set twice, also at environment APP_DATA_DIR; keep one`,
		`environment APP_SERVER_ADDRESS: server_address: unknown key; the nearest known key is server.address (APP_SERVER__ADDRESS)`,
		`etc/oms.yaml:3: server.public_url: "http://localhost:9090" must begin with https://; nothing is served without TLS`,
		`etc/oms.yaml:4: server.modules: "orders" is not a module; write all, or some of ` + namesOf(modules.All),
		`default: server.tls.cert_file: is missing beside server.tls.key_file; set both or neither`,
		`flag --key-file: server.tls.key_file: cannot read DIR/key.pem: no such file or directory`,
		`etc/oms.yaml:13: trust.issuers[0].jwks_file: is missing; write the path of the issuer's key set`,
		`etc/oms.yaml:16: trust.issuers[1].issuer: "a|b" must not hold |, which divides issuer and subject in an owner's name`,
		`etc/oms.yaml:18: trust.issuers[1].jwks_file: cannot read DIR/etc/missing.json: no such file or directory`,
		`etc/oms.yaml:19: trust.issuers[1].algorithms: "HS256" is not accepted; write some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA`,
		`flag --access-token-ttl: sts.access_token_ttl: 0s is out of bounds; write a duration from 1s to 24h`,
		`environment APP_DEMO__ENABLED: demo.enabled: the demo passwords are public and server.address "0.0.0.0:9090" is not on loopback; set demo.enabled to false, or demo.allow_remote to true`,
		`etc/oms.yaml:22: log.format: "xml" is not one of text, json`,
	}
	got := strings.Split(strings.ReplaceAll(err.Error(), dir, "DIR"), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestABadValueIsRefused sets one key at a time, by a flag, and looks for the part of the text that tells the fix.
func TestABadValueIsRefused(t *testing.T) {
	cases := []struct{ key, value, text string }{
		{"server.address", "", "host:port"},
		{"server.address", "9090", "host:port"},
		{"server.address", "localhost", "host:port"},
		{"server.address", "::1:9090", "host:port"},
		{"server.address", "localhost:", "not a port"},
		{"server.address", "localhost:http", "not a port"},
		{"server.address", "localhost:-1", "not a port"},
		{"server.address", "localhost:65536", "not a port"},
		{"server.address", "local host:9090", "neither a host name nor an IP address"},
		{"server.address", "a..b:9090", "neither a host name nor an IP address"},
		{"server.address", "https://localhost:9090", "host:port"},
		{"server.address", "localhost:65500", "auto is the port of server.address (65500) + 100"},
		{"server.public_url", "", "not a URL"},
		{"server.public_url", "localhost:9090", "not a URL"},
		{"server.public_url", "https://", "not a URL"},
		{"server.public_url", "https:localhost", "not a URL"},
		{"server.public_url", "https://local host", "not a URL"},
		{"server.public_url", "http://localhost", "must begin with https://"},
		{"server.public_url", "https://alice:pw@localhost", "no user or password"},
		{"server.public_url", "https://localhost/", "no path"},
		{"server.public_url", "https://localhost/orders", "no path"},
		{"server.public_url", "https://localhost?a=b", "no query"},
		{"server.public_url", "https://localhost?", "no query"},
		{"server.public_url", "https://localhost#a", "no fragment"},
		{"server.public_url", "https://localhost#", "no fragment"},
		{"server.public_url", "https://localhost:443", "leave out :443"},
		{"server.public_url", "https://localhost:", "no valid port"},
		{"server.public_url", "https://localhost:0", "no valid port"},
		{"server.public_url", "https://localhost:09090", "no valid port"},
		{"server.public_url", "https://localhost:99999", "no valid port"},
		{"server.public_url", "https://Localhost", "lower case, as browsers send it: https://localhost"},
		{"server.public_url", "https://a..b", "no valid host"},
		{"server.public_url", "https://[fe80::1%25eth0]", "no valid host"},
		{"server.admin_address", "", "or auto"},
		{"server.admin_address", "9190", "or auto"},
		{"server.admin_address", "0.0.0.0:9190", "write localhost:9190"},
		{"server.admin_address", ":9190", "write localhost:9190"},
		{"server.admin_address", "example.com:9190", "write localhost:9190"},
		{"server.admin_address", "localhost:9090", "has the port of server.address"},
		{"server.modules", "", "takes a list"},
		{"server.modules", "[]", "names nothing to host"},
		{"server.modules", "{sts: true}", "takes a list"},
		{"server.modules", "[[sts]]", "takes one value"},
		{"server.modules", "[~]", "is empty"},
		{"server.modules", "sts,", `"" is not a module`},
		{"server.modules", "STS", `"STS" is not a module`},
		{"server.modules", "sts,sts", "twice"},
		{"server.modules", "all,sts", "beside others"},
		{"server.shutdown_timeout", "", "not a duration"},
		{"server.shutdown_timeout", "30", "not a duration"},
		{"server.shutdown_timeout", "1d", "not a duration"},
		{"server.shutdown_timeout", "-5s", "from 1s to 10m"},
		{"server.shutdown_timeout", "999ms", "from 1s to 10m"},
		{"server.shutdown_timeout", "11m", "from 1s to 10m"},
		{"server.tls.cert_file", "/dev/null", "server.tls.key_file: is missing"},
		{"server.tls.key_file", "/dev/null", "server.tls.cert_file: is missing"},
		{"server.tls.key_file", "/", "is a directory"},
		{"server.trusted_proxies", "proxy.example.com", "server.trusted_proxies[0]: \"proxy.example.com\" is neither a network nor an address"},
		{"server.trusted_proxies", "127.0.0.1,10.0.0.1/8", "server.trusted_proxies[1]: \"10.0.0.1/8\" has bits behind its length; write 10.0.0.0/8"},
		{"server.trusted_proxies", "0.0.0.0/0", "is everybody"},
		{"server.limits.memory", "48", "is not a size"},
		{"server.limits.memory", "15 MiB", "write a size from 16 MiB to 64 GiB"},
		{"server.limits.requests", "15", "write a whole number from 16 to 1000000"},
		{"server.limits.rates.enabled", "on", "neither true nor false"},
		{"server.limits.rates.sign_in.per_second", "0", "write a whole number from 1 to 1000000"},
		{"server.limits.rates.token.burst", "0", "write a whole number from 1 to 1000000"},
		{"server.limits.rates.write.per_second", "1000001", "write a whole number from 1 to 1000000"},
		{"server.limits.rates.read.burst", "1e3", "is not a whole number"},
		{"server.limits.rates.read", "500", "is a section"},
		{"modules.sts.url", "localhost:9445", "not a URL; write for example https://localhost:9445"},
		{"modules.sts.url", "http://localhost:9445", "must begin with https://"},
		{"modules.sts.url", "https://localhost", "write a number from 1 to 65535 behind the host, such as https://localhost:9445"},
		{"modules.sts.url", "https://localhost:", "no valid port"},
		{"modules.sts.url", "https://localhost:0", "no valid port"},
		{"modules.sts.url", "https://localhost:65536", "no valid port"},
		{"modules.order.url", "https://localhost:9092/", "no path"},
		{"modules.order.url", "https://localhost:9092/order", "no path"},
		{"modules.order.url", "https://localhost:9092?a=b", "no query"},
		{"modules.order.url", "https://localhost:9092#a", "no fragment"},
		{"modules.order.url", "https://alice:pw@localhost:9092", "no user or password"},
		{"modules.inventory.url", "https://a..b:9091", "no valid host; write for example https://localhost:9091"},
		{"modules.inventory.url", "https://:9091", "no valid host"},
		{"modules.inventory.listen", "9091", "host:port"},
		{"modules.inventory.listen", "https://localhost:9091", "host:port"},
		{"modules.inventory.listen", "localhost:x", "not a port"},
		{"modules.gateway.url", "https://localhost:9090", "unknown key; the nearest known key is modules."},
		{"data_dir", "", "is empty"},
		{"trust.domain", "", "not a trust domain"},
		{"trust.domain", "Orders", "not a trust domain"},
		{"trust.domain", "a/b", "not a trust domain"},
		{"trust.domain", "10.0.0.1", "not a trust domain"},
		{"trust.domain", "orders..local", "not a trust domain"},
		{"trust.domain", ".local", "not a trust domain"},
		{"trust.domain", "orders.", "not a trust domain"},
		{"trust.domain", strings.Repeat("a", 65), "1 to 64"},
		{"trust.profile", "", "is not one of exchange, transaction, peer"},
		{"trust.profile", "none", "is not one of exchange, transaction, peer"},
		{"trust.certificate_ttl", "59s", "from 1m to 720h"},
		{"trust.certificate_ttl", "721h", "from 1m to 720h"},
		{"trust.certificate_ttl", "49h", "trust.root_overlap: 48h is shorter than trust.certificate_ttl, so certificates would end before their time; write 49h or more"},
		{"trust.root_announcement", "0s", "from 1s to 720h"},
		{"trust.root_announcement", "721h", "from 1s to 720h"},
		{"trust.workload_key_overlap", "0s", "from 1s to 24h"},
		{"trust.workload_key_overlap", "25h", "from 1s to 24h"},
		{"sts.transaction_token_ttl", "14s", "from 15s to 1m"},
		{"sts.transaction_token_ttl", "61s", "from 15s to 1m"},
		{"trust.root_overlap", "0s", "from 1s to 8760h"},
		{"trust.root_overlap", "8761h", "from 1s to 8760h"},
		{"trust.feed_max_age", "0s", "from 5s to 24h"},
		{"trust.feed_max_age", "4s", "from 5s to 24h"},
		{"trust.feed_max_age", "25h", "from 5s to 24h"},
		{"trust.root_overlap", "23h", "write 24h or more"},
		{"trust.issuers", "wso2", "takes a list"},
		{"trust.issuers", "[wso2]", "trust.issuers[0]: takes a section"},
		{"trust.issuers", "[", "is not YAML"},
		{"sts.access_token_ttl", "25h", "from 1s to 24h"},
		{"sts.session_ttl", "721h", "from 1s to 720h"},
		{"sts.internal_token_ttl", "0s", "from 1s to 1h"},
		{"sts.internal_token_ttl", "61m", "from 1s to 1h"},
		{"sts.workload_token_ttl", "0s", "from 1s to 24h"},
		{"sts.workload_token_ttl", "25h", "from 1s to 24h"},
		{"sts.signing_key_announcement", "0s", "from 1s to 24h"},
		{"sts.signing_key_announcement", "25h", "from 1s to 24h"},
		{"sts.signing_key_overlap", "0s", "from 1s to 720h"},
		{"sts.signing_key_overlap", "721h", "from 1s to 720h"},
		{"order.public_read", "", "neither true nor false"},
		{"order.pending_timeout", "0s", "from 1s to 168h"},
		{"order.pending_timeout", "169h", "from 1s to 168h"},
		{"database.min_free", "-1 MiB", "is not a size"},
		{"database.min_free", "1025 GiB", "write a size from 0 to 1024 GiB"},
		{"order.max_live", "0", "write a whole number from 1 to 1000000000"},
		{"order.max_live", "many", "is not a whole number"},
		{"order.retention.ended", "23h", "from 24h to 87600h"},
		{"order.retention.answers", "1h", "from 24h to 720h"},
		{"inventory.max_share", "101", "write a whole number from 0 to 100"},
		{"inventory.max_share", "-1", "write a whole number from 0 to 100"},
		{"inventory.retention.movements", "1h", "from 24h to 87600h"},
		{"inventory.retention.answers", "24h", "from 168h to 87600h"},
		{"log.level", "INFO", "debug, info, warn, error"},
		{"log.format", "", "text, json"},
		{"nonsense", "1", "unknown key; the top level has server, "},
		{"server.port", "1", "unknown key; server has address, public_url, "},
		{"server", "1", "is a section"},
		{"a\nb", "1", `a\nb: unknown key`},
	}
	for _, c := range cases {
		t.Run(c.key+"="+c.value, func(t *testing.T) {
			refused(t, c.text, config.LoadOptions{Flags: map[string]string{c.key: c.value}})
		})
	}
}

// TestBadListenersAreRefused is about listeners that cannot be together in one process, or that are nowhere.
func TestBadListenersAreRefused(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{
			"a module that is nowhere", "server.modules: [gateway, order]\nmodules.order.url: ''",
			"config.yaml:2: modules.order.url: is empty, and this process hosts order for other processes; " +
				"write where they find it, such as https://localhost:9092, or set modules.order.listen",
		},
		{
			"two on one address", "server.modules: [gateway, sts]\nmodules.sts.url: https://LocalHost:9090",
			"config.yaml:2: modules.sts.url: listens on LocalHost:9090, where server.address listens already; write another port",
		},
		{
			"beside every interface", "server.modules: [sts, order]\nmodules: {sts.listen: '0.0.0.0:9092'}\ndemo.enabled: false",
			"default: modules.order.url: listens on localhost:9092, where modules.sts.listen listens already; write another port",
		},
		{
			"every interface", "server.modules: [sts, order, inventory]\nmodules.inventory.listen: :9445\ndemo.enabled: false",
			"config.yaml:2: modules.inventory.listen: listens on :9445, where modules.sts.url listens already; write another port",
		},
		{
			"the admin port of a module", "server: {modules: [order, inventory], admin_address: localhost:9091}",
			"config.yaml:1: server.admin_address: has the port of modules.inventory.url (9091); write another one, or auto",
		},
		{
			"no admin port above", "server.modules: [sts]\nmodules.sts.listen: localhost:65500",
			"default: server.admin_address: auto is the port of modules.sts.listen (65500) + 100, which does not exist; write for example localhost:9190",
		},
		{
			"another listener on the admin port", "server.modules: [gateway, sts]\nmodules.sts.url: https://localhost:9190",
			"default: server.admin_address: auto is port 9190 here, which is that of modules.sts.url; write localhost: and another port",
		},
		{
			"nowhere to enrol", "server.modules: [order]\nmodules.sts.url: ''",
			"config.yaml:2: modules.sts.url: is empty, and the sts is hosted by another process, without which this one can prove itself to nobody; write for example https://localhost:9445",
		},
		{
			"a bad URL of the first one", "server.modules: [sts]\nmodules.sts.url: https://localhost",
			`config.yaml:2: modules.sts.url: "https://localhost" has no valid port; write a number from 1 to 65535 behind the host, such as https://localhost:9445`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			loaded, err := system.Load(config.LoadOptions{WorkDir: t.TempDir(), Embedded: []byte(c.text)}, modules.All)
			if err == nil || strings.ReplaceAll(err.Error(), "embedded ", "") != c.want || loaded != nil {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
	for name, text := range map[string]string{
		"one process":      "modules: {sts.url: '', order.url: 'https://localhost:9090', inventory.listen: 'localhost:9190'}",
		"not hosted here":  "server.modules: [gateway]\nmodules: {inventory.url: '', order.url: 'https://localhost:9090'}",
		"listen alone":     "server.modules: [sts]\nmodules.sts: {url: '', listen: 'localhost:9445'}",
		"another machine":  "server.modules: [sts, order]\nmodules: {sts.listen: '127.0.0.1:9000', order.listen: '127.0.0.2:9000'}",
		"the system's own": "server.modules: [sts, order]\nmodules: {sts.listen: 'localhost:0', order.listen: 'localhost:0'}",
	} {
		t.Run(name, func(t *testing.T) {
			load(t, config.LoadOptions{WorkDir: t.TempDir(), Embedded: []byte(text)})
		})
	}
}

func TestDemoAccountsStayOnLoopback(t *testing.T) {
	for _, address := range []string{"localhost:9090", "LocalHost:9090", "127.0.0.1:9090", "127.1.2.3:9090", "[::1]:9090", "[::ffff:127.0.0.1]:9090"} {
		load(t, config.LoadOptions{Flags: map[string]string{"server.address": address}})
	}
	for _, address := range []string{":9090", "0.0.0.0:9090", "[::]:9090", "192.168.0.1:9090", "orders.example.com:9090", "localhost.example.com:9090"} {
		refused(t, "demo.allow_remote", config.LoadOptions{Flags: map[string]string{"server.address": address}})
		load(t, config.LoadOptions{Flags: map[string]string{"server.address": address, "demo.enabled": "false"}})
		load(t, config.LoadOptions{Flags: map[string]string{"server.address": address, "demo.allow_remote": "true"}})
	}
	// Where nobody signs in it is no question.
	load(t, config.LoadOptions{Flags: map[string]string{"server.modules": "order,inventory", "modules.order.listen": "0.0.0.0:9092"}})
	refused(t, "demo.allow_remote", config.LoadOptions{Flags: map[string]string{"server.modules": "sts,order", "modules.sts.listen": "0.0.0.0:9445"}})
	// What the world calls the service counts too: a proxy in front of a listener on loopback lets everybody in.
	for _, public := range []string{"https://localhost:9443", "https://127.0.0.1", "https://[::1]:9443"} {
		load(t, config.LoadOptions{Flags: map[string]string{"server.public_url": public}})
	}
	for _, public := range []string{"https://shop.example.com", "https://192.168.0.1:9090", "https://localhost.example.com", "https://[2001:db8::1]"} {
		for _, modules := range []string{"all", "gateway", "sts", "sts,inventory"} {
			flags := map[string]string{"server.public_url": public, "server.modules": modules}
			refused(t, `server.public_url "`+public+`" is not on loopback; set demo.enabled to false, or demo.allow_remote`, config.LoadOptions{Flags: flags})
			flags["demo.enabled"] = "false"
			load(t, config.LoadOptions{Flags: flags})
			flags["demo.enabled"], flags["demo.allow_remote"] = "true", "true"
			load(t, config.LoadOptions{Flags: flags})
		}
	}
	// What counts are the listeners of this process, whichever key opens them.
	remote := map[string]string{"server.address": "0.0.0.0:9090", "modules.sts.url": "https://sts.internal:9445", "modules.order.listen": ":9092"}
	for modules, want := range map[string]string{
		"gateway,inventory": `server.address "0.0.0.0:9090" is not on loopback; set`,
		"sts,inventory":     `modules.sts.url "sts.internal:9445" is not on loopback; set`,
		"sts,order":         `modules.order.listen ":9092" is not on loopback; set`,
		"order":             "",
		"inventory":         "",
	} {
		remote["server.modules"] = modules
		if want == "" {
			load(t, config.LoadOptions{Flags: remote})
		} else {
			refused(t, want, config.LoadOptions{Flags: remote})
		}
	}
	remote["server.modules"], remote["server.address"] = "all", "localhost:9090"
	load(t, config.LoadOptions{Flags: remote})
}

func refused(t *testing.T, text string, o config.LoadOptions) {
	t.Helper()
	loaded, err := system.Load(o, modules.All)
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want an error with %q", err, text)
	}
	if loaded != nil {
		t.Error("there is a configuration beside the error")
	}
}
