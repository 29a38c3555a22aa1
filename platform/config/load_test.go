package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/platform/config"
)

// write makes a file in a directory and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, o config.LoadOptions) *config.Loaded {
	t.Helper()
	loaded, err := config.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func setting(t *testing.T, l *config.Loaded, key string) config.Setting {
	t.Helper()
	for _, s := range l.Effective() {
		if s.Key == key {
			return s
		}
	}
	t.Fatalf("there is no key %s", key)
	return config.Setting{}
}

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
		loaded := load(t, o)
		got := setting(t, loaded, "trust.domain")
		if got.Value != step.value || got.Source != step.source || loaded.Config.Trust.Domain != step.value {
			t.Errorf("got %+v, want %s from %s", got, step.value, step.source)
		}
	}
}

func TestAFileIsReadInsteadOfTheEmbeddedOne(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "config.yaml", "log: {level: debug}")
	got := load(t, config.LoadOptions{WorkDir: dir, Embedded: []byte("log: {format: json}")}).Config.Log
	if want := (config.Log{Level: "debug", Format: "text"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
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
	c := load(t, config.LoadOptions{WorkDir: dir, File: "etc/oms.yaml", Environ: environ}).Config
	got := []string{c.DataDir, c.Server.TLS.CertFile, c.Server.TLS.KeyFile, c.Trust.Issuers[0].JWKSFile}
	want := []string{dir + "/var", dir + "/etc/cert.pem", dir + "/env/key.pem", dir + "/etc/jwks.json"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	environ = []string{"APP_TRUST__ISSUERS=[{issuer: wso2, audience: ballerina, jwks_file: jwks.json}]"}
	c = load(t, config.LoadOptions{WorkDir: dir, Environ: environ, Flags: map[string]string{"data_dir": "/srv/oms"}}).Config
	got = []string{c.DataDir, c.Trust.Issuers[0].JWKSFile}
	if diff := cmp.Diff([]string{"/srv/oms", dir + "/jwks.json"}, got); diff != "" {
		t.Error(diff)
	}
	if c = load(t, config.LoadOptions{WorkDir: dir}).Config; c.DataDir != dir+"/data" || c.Server.TLS.CertFile != "" {
		t.Errorf("the default paths are %q and %q", c.DataDir, c.Server.TLS.CertFile)
	}
}

func TestTheWaysToWriteAValue(t *testing.T) {
	cases := map[string]config.LoadOptions{
		"nested":          {Embedded: []byte("server:\n  modules: [sts, order]\n  shutdown_timeout: 90s\norder:\n  public_read: false\n")},
		"dotted":          {Embedded: []byte("server.modules: [sts, order]\nserver.shutdown_timeout: 1m30s\norder.public_read: false\n")},
		"half dotted":     {Embedded: []byte("server.modules: [sts, order]\nserver:\n  shutdown_timeout: 1m30s\norder: {public_read: False}\n")},
		"an alias":        {Embedded: []byte("server:\n  modules: [sts, order]\n  shutdown_timeout: &t 90s\nsts: {access_token_ttl: *t}\norder: {public_read: false}\n"), Flags: map[string]string{"sts.access_token_ttl": "5m"}},
		"JSON":            {Embedded: []byte(`{"server": {"modules": ["sts", "order"], "shutdown_timeout": "90s"}, "order": {"public_read": false}}`)},
		"environment":     {Environ: []string{"APP_SERVER__MODULES=[sts, order]", "APP_SERVER__SHUTDOWN_TIMEOUT=90s", "APP_ORDER__PUBLIC_READ=false"}},
		"commas":          {Environ: []string{"APP_SERVER__MODULES=sts, order", "APP_SERVER__SHUTDOWN_TIMEOUT=90s", "APP_ORDER__PUBLIC_READ=FALSE"}},
		"a whole section": {Environ: []string{"APP_SERVER={modules: [sts, order], shutdown_timeout: 90s}", "APP_ORDER={public_read: false}"}},
		"flags":           {Flags: map[string]string{"server.modules": "sts,order", "server.shutdown_timeout": "90s", "order.public_read": "false"}},
		"empty sections":  {Embedded: []byte("sts:\nlog:\n  # level: debug\ntrust:\n  issuers:\n    # - issuer: wso2\n"), Flags: map[string]string{"server.modules": "sts,order", "server.shutdown_timeout": "90s", "order.public_read": "false"}},
	}
	want := config.Defaults()
	want.Server.Modules = []string{"sts", "order"}
	want.Server.ShutdownTimeout = 90 * time.Second
	want.Order.PublicRead = false
	for name, o := range cases {
		t.Run(name, func(t *testing.T) {
			got := load(t, o).Config
			if name == "an alias" && got.STS.AccessTokenTTL != want.STS.AccessTokenTTL {
				t.Errorf("the flag did not win over the alias: %s", got.STS.AccessTokenTTL)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAListReplacesTheListBelowIt(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "jwks.json", "{}")
	write(t, dir, "config.yaml", "trust.issuers:\n- {issuer: a, audience: x, jwks_file: jwks.json}\n- {issuer: b, audience: x, jwks_file: jwks.json}\n")
	if issuers := load(t, config.LoadOptions{WorkDir: dir, Environ: []string{"APP_TRUST__ISSUERS=[]"}}).Config.Trust.Issuers; len(issuers) != 0 {
		t.Errorf("got %+v", issuers)
	}
	_, err := config.Load(config.LoadOptions{WorkDir: dir, Environ: []string{"APP_TRUST__ISSUERS=[{issuer: c, jwks_file: jwks.json}]"}})
	want := "environment APP_TRUST__ISSUERS: trust.issuers[0].audience: is missing; write the value of the claim aud"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestWhatIsPrintedCanBeRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "null", "{}")
	loaded := load(t, config.LoadOptions{WorkDir: dir, Environ: []string{
		"APP_TRUST__DOMAIN=123", "APP_SERVER__MODULES=sts,order", "APP_ORDER__PENDING_TIMEOUT=36h", "APP_DATA_DIR=a\n: # b",
		`APP_TRUST__ISSUERS=[{issuer: "true", audience: "1e3", jwks_file: "null", max_lifetime: 87600h, scopes: [add_order, "#x"]}, {issuer: b, audience: "a:b", jwks_file: "null"}]`,
	}})
	var text strings.Builder
	for _, s := range loaded.Effective() {
		if strings.Contains(s.Value, "\n") {
			t.Errorf("%s is printed on several lines: %q", s.Key, s.Value)
		}
		text.WriteString(s.Key + ": " + s.Value + "\n")
	}
	again := load(t, config.LoadOptions{Embedded: []byte(text.String())})
	if diff := cmp.Diff(loaded.Config, again.Config); diff != "" {
		t.Errorf("%s\n%s", text.String(), diff)
	}
}

func TestDurationsAreShownAsPeopleWriteThem(t *testing.T) {
	for _, written := range []string{"1s", "90s", "5m", "1h", "24h", "1h30m", "1h0m30s", "1.5s"} {
		want := map[string]string{"90s": "1m30s"}[written]
		if want == "" {
			want = written
		}
		got := setting(t, load(t, config.LoadOptions{Flags: map[string]string{"order.pending_timeout": written}}), "order.pending_timeout")
		if got.Value != want {
			t.Errorf("%s is shown as %s, want %s", written, got.Value, want)
		}
	}
}
