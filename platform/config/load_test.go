package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/platform/config"
)

// fields lets samples be compared.
var fields = cmp.AllowUnexported(sample{})

func TestTheLaterSourceWins(t *testing.T) {
	dir := t.TempDir()
	o := config.LoadOptions{WorkDir: dir}
	steps := []struct {
		add           func()
		value, source string
	}{
		{func() {}, "orders.local", "default"},
		{func() { o.Embedded = []byte("trust: {domain: embedded}") }, "embedded", "embedded config.yaml"},
		{func() { write(t, dir, "config.yaml", "trust: {domain: found}") }, "found", "file config.yaml"},
		{func() { write(t, dir, "etc/oms.yaml", "trust: {domain: named}"); o.File = "etc/oms.yaml" }, "named", "file etc/oms.yaml"},
		{func() { o.Environ = []string{"PATH=/bin", "APP_TRUST__DOMAIN=environment"} }, "environment", "environment APP_TRUST__DOMAIN"},
		{func() { o.Flags = map[string]string{"trust.domain": "flag"} }, "flag", "flag --domain"},
	}
	for _, step := range steps {
		step.add()
		s, loaded := load(t, o)
		got := setting(t, loaded, "trust.domain")
		if got.Value != step.value || got.Source != step.source || s.trust.Domain != step.value {
			t.Errorf("got %+v, want %s from %s", got, step.value, step.source)
		}
	}
}

func TestAFileIsReadInsteadOfTheEmbeddedOne(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "config.yaml", "log: {level: debug}")
	s, _ := load(t, config.LoadOptions{WorkDir: dir, Embedded: []byte("log: {format: json}")})
	if want := (logging{Level: "debug", Format: "text"}); s.log != want {
		t.Errorf("got %+v, want %+v", s.log, want)
	}
}

func TestPathsAreRelativeToWhereTheyAreWritten(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"etc/jwks.json", "etc/cert.pem", "env/key.pem", "jwks.json"} {
		write(t, dir, name, "{}")
	}
	write(t, dir, "etc/oms.yaml", `
data_dir: ../var
server.tls: {cert_file: cert.pem}
trust.issuers: [{issuer: wso2, audience: ballerina, jwks_file: jwks.json}]
`)
	environ := []string{"APP_SERVER__TLS__KEY_FILE=env/key.pem"}
	c, _ := load(t, config.LoadOptions{WorkDir: dir, File: "etc/oms.yaml", Environ: environ})
	got := []string{c.top.DataDir, c.server.TLS.CertFile, c.server.TLS.KeyFile, c.trust.Issuers[0].JWKSFile}
	want := []string{dir + "/var", dir + "/etc/cert.pem", dir + "/env/key.pem", dir + "/etc/jwks.json"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	environ = []string{"APP_TRUST__ISSUERS=[{issuer: wso2, audience: ballerina, jwks_file: jwks.json}]"}
	c, _ = load(t, config.LoadOptions{WorkDir: dir, Environ: environ, Flags: map[string]string{"data_dir": "/srv/oms"}})
	got = []string{c.top.DataDir, c.trust.Issuers[0].JWKSFile}
	if diff := cmp.Diff([]string{"/srv/oms", dir + "/jwks.json"}, got); diff != "" {
		t.Error(diff)
	}
	if c, _ = load(t, config.LoadOptions{WorkDir: dir}); c.top.DataDir != dir+"/data" || c.server.TLS.CertFile != "" {
		t.Errorf("the default paths are %q and %q", c.top.DataDir, c.server.TLS.CertFile)
	}
}

func TestTheWaysToWriteAValue(t *testing.T) {
	cases := map[string]config.LoadOptions{
		"nested":          {Embedded: []byte("server:\n  zones: [north, east]\n  shutdown_timeout: 90s\nfar.away.cache:\n  shared: false\n")},
		"dotted":          {Embedded: []byte("server.zones: [north, east]\nserver.shutdown_timeout: 1m30s\nfar.away.cache.shared: false\n")},
		"half dotted":     {Embedded: []byte("server.zones: [north, east]\nserver:\n  shutdown_timeout: 1m30s\nfar.away.cache: {shared: False}\n")},
		"an alias":        {Embedded: []byte("server:\n  zones: [north, east]\n  shutdown_timeout: &t 90s\nfar: {away.cache.timeout: *t}\nfar.away.cache: {shared: false}\n"), Flags: map[string]string{"far.away.cache.timeout": "15m"}},
		"JSON":            {Embedded: []byte(`{"server": {"zones": ["north", "east"], "shutdown_timeout": "90s"}, "far.away": {"cache": {"shared": false}}}`)},
		"environment":     {Environ: []string{"APP_SERVER__ZONES=[north, east]", "APP_SERVER__SHUTDOWN_TIMEOUT=90s", "APP_FAR__AWAY__CACHE__SHARED=false"}},
		"commas":          {Environ: []string{"APP_SERVER__ZONES=north, east", "APP_SERVER__SHUTDOWN_TIMEOUT=90s", "APP_FAR__AWAY__CACHE__SHARED=FALSE"}},
		"a whole section": {Environ: []string{"APP_SERVER={zones: [north, east], shutdown_timeout: 90s}", "APP_FAR__AWAY__CACHE={shared: false}"}},
		"flags":           {Flags: map[string]string{"server.zones": "north,east", "server.shutdown_timeout": "90s", "far.away.cache.shared": "false"}},
		"empty sections":  {Embedded: []byte("far:\nlog:\n  # level: debug\ntrust:\n  issuers:\n    # - issuer: wso2\n"), Flags: map[string]string{"server.zones": "north,east", "server.shutdown_timeout": "90s", "far.away.cache.shared": "false"}},
	}
	want := defaults()
	want.server.Zones = []string{"north", "east"}
	want.server.ShutdownTimeout = 90 * time.Second
	want.cache.Shared = false
	for name, o := range cases {
		t.Run(name, func(t *testing.T) {
			got, _ := load(t, o)
			if diff := cmp.Diff(want, got, fields); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAListReplacesTheListBelowIt(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "jwks.json", "{}")
	write(t, dir, "config.yaml", "trust.issuers:\n- {issuer: a, audience: x, jwks_file: jwks.json}\n- {issuer: b, audience: x, jwks_file: jwks.json}\n")
	if c, _ := load(t, config.LoadOptions{WorkDir: dir, Environ: []string{"APP_TRUST__ISSUERS=[]"}}); len(c.trust.Issuers) != 0 {
		t.Errorf("got %+v", c.trust.Issuers)
	}
	_, err := config.Load(config.LoadOptions{WorkDir: dir, Environ: []string{"APP_TRUST__ISSUERS=[{issuer: c, jwks_file: jwks.json}]"}}, defaults().sections()...)
	want := "environment APP_TRUST__ISSUERS: trust.issuers[0].audience: is missing in orders.local; write one"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestWhatIsPrintedCanBeRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "null", "{}")
	first, loaded := load(t, config.LoadOptions{WorkDir: dir, Environ: []string{
		"APP_TRUST__DOMAIN=123", "APP_SERVER__ZONES=north,east", "APP_FAR__AWAY__CACHE__TIMEOUT=36h", "APP_DATA_DIR=a\n: # b",
		`APP_TRUST__ISSUERS=[{issuer: "true", audience: "1e3", jwks_file: "null", max_lifetime: 87600h, scopes: [add_order, "#x"]}, {issuer: b, audience: "a:b", jwks_file: "null"}]`,
	}})
	var text strings.Builder
	for _, s := range loaded.Effective() {
		if strings.Contains(s.Value, "\n") {
			t.Errorf("%s is printed on several lines: %q", s.Key, s.Value)
		}
		text.WriteString(s.Key + ": " + s.Value + "\n")
	}
	again, _ := load(t, config.LoadOptions{Embedded: []byte(text.String())})
	if diff := cmp.Diff(first, again, fields); diff != "" {
		t.Errorf("%s\n%s", text.String(), diff)
	}
}

func TestDurationsAreShownAsPeopleWriteThem(t *testing.T) {
	for _, written := range []string{"1s", "90s", "5m", "1h", "24h", "1h30m", "1h0m30s", "1.5s"} {
		want := map[string]string{"90s": "1m30s"}[written]
		if want == "" {
			want = written
		}
		_, loaded := load(t, config.LoadOptions{Flags: map[string]string{"far.away.cache.timeout": written}})
		got := setting(t, loaded, "far.away.cache.timeout")
		if got.Value != want {
			t.Errorf("%s is shown as %s, want %s", written, got.Value, want)
		}
	}
}

// FuzzLoad looks for texts that end the process or that break a problem into lines.
func FuzzLoad(f *testing.F) {
	f.Add("server: {address: localhost:9090}", "[{issuer: a}]")
	f.Add("a: &a [*a]", "{")
	f.Add("? [a]\n: b\n", "\"\\n\"")
	f.Fuzz(func(t *testing.T, file, issuers string) {
		loaded, err := config.Load(config.LoadOptions{WorkDir: t.TempDir(), Embedded: []byte(file), Environ: []string{"APP_TRUST__ISSUERS=" + issuers}}, defaults().sections()...)
		if (loaded == nil) == (err == nil) {
			t.Fatalf("got %v and %v", loaded, err)
		}
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "embedded config.yaml") && !strings.HasPrefix(line, "environment APP_") && !strings.HasPrefix(line, "default: ") {
					t.Errorf("a line without a place: %q", line)
				}
			}
		}
	})
}

// Orchestrators and CI begin their variables so too; what is written for this program is not overlooked.
func TestVariablesOfOthersAreLeftAlone(t *testing.T) {
	for _, environ := range []string{
		// A Kubernetes service named app, app-server, or app-log.
		"APP_PORT=tcp://10.0.0.1:443", "APP_SERVICE_HOST=10.0.0.1", "APP_SERVICE_PORT=443", "APP_SERVICE_PORT_HTTPS=443", "APP_PORT_443_TCP=tcp://10.0.0.1:443",
		"APP_PORT_443_TCP_PROTO=tcp", "APP_SERVER_SERVICE_HOST=10.0.0.1", "APP_SERVER_PORT=tcp://10.0.0.1:443", "APP_LOG_PORT_443_TCP_ADDR=10.0.0.1",
		"APP_ENV=test", "APP_NAME=shop", "APP_VERSION=1.2.3", "APP_KEY=base64:x", "APP_URL=http://localhost", "APP_HOME=/srv", "APP_DEBUG=true", "APP_=x", "APP=x", "APPLICATION__NAME=x",
	} {
		if _, err := config.Load(config.LoadOptions{Environ: []string{environ}}, defaults().sections()...); err != nil {
			t.Errorf("%s: %v", environ, err)
		}
	}
}

func TestVariablesThatWereMeantForUsAreNotOverlooked(t *testing.T) {
	for environ, want := range map[string]string{
		"APP_SERVER__SHUTDOWN_TIMOUT=1s": "server.shutdown_timout: unknown key; the nearest known key is server.shutdown_timeout (APP_SERVER__SHUTDOWN_TIMEOUT)",
		"APP_SERVER_SHUTDOWN_TIMEOUT=1s": "server_shutdown_timeout: unknown key; the nearest known key is server.shutdown_timeout (APP_SERVER__SHUTDOWN_TIMEOUT)",
		"APP_SERVER_TLS_KEY_FILE=a.pem":  "server_tls_key_file: unknown key; the nearest known key is server.tls.key_file (APP_SERVER__TLS__KEY_FILE)",
		"APP_SERVR__SHUTDOWN_TIMEOUT=1s": "servr.shutdown_timeout: unknown key; the nearest known key is server.shutdown_timeout",
		"APP_DATA_DIRR=x":                "data_dirr: unknown key; the nearest known key is data_dir (APP_DATA_DIR)",
		"APP_DATADIR=x":                  "datadir: unknown key; the nearest known key is data_dir (APP_DATA_DIR)",
		"APP_DATA__DIR=x":                "data.dir: unknown key; ",
		"APP_SERVER__COLOUR=x":           "server.colour: unknown key; server has zones, shutdown_timeout, tls",
	} {
		refused(t, want, config.LoadOptions{Environ: []string{environ}})
	}
}
