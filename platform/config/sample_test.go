package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oms/platform/config"
)

// sample is a configuration of no product, in sections as different owners would give them.
type sample struct {
	server struct {
		Zones           []string      `koanf:"zones"`
		ShutdownTimeout time.Duration `koanf:"shutdown_timeout"`
		TLS             struct {
			CertFile string `koanf:"cert_file" kind:"path"`
			KeyFile  string `koanf:"key_file" kind:"path"`
		} `koanf:"tls"`
	}
	top struct {
		DataDir string `koanf:"data_dir" kind:"path"`
	}
	trust struct {
		Domain  string   `koanf:"domain"`
		Issuers []issuer `koanf:"issuers"`
	}
	cache struct {
		Shared  bool          `koanf:"shared"`
		Timeout time.Duration `koanf:"timeout"`
		Memory  config.Size   `koanf:"memory"`
		Entries int64         `koanf:"entries"`
	}
	demo struct {
		Enabled bool `koanf:"enabled"`
	}
	log logging
}

type issuer struct {
	Issuer      string        `koanf:"issuer"`
	Audience    string        `koanf:"audience"`
	JWKSFile    string        `koanf:"jwks_file" kind:"path"`
	MaxLifetime time.Duration `koanf:"max_lifetime"`
	Scopes      []string      `koanf:"scopes"`
}

func (i *issuer) SetDefaults() { *i = issuer{MaxLifetime: 24 * time.Hour, Scopes: []string{}} }

type logging struct {
	Level  string `koanf:"level"`
	Format string `koanf:"format"`
}

// Problems is what the loader asks for.
func (l logging) Problems() []config.Problem { return config.OneOf("format", l.Format, "text", "json") }

func defaults() *sample {
	s := &sample{log: logging{Level: "info", Format: "text"}}
	s.server.Zones, s.server.ShutdownTimeout = []string{"north", "south", "west"}, 30*time.Second
	s.top.DataDir, s.trust.Domain, s.trust.Issuers = "data", "orders.local", []issuer{}
	s.cache.Memory, s.cache.Entries = 16*config.MiB, 1000
	s.cache.Shared, s.cache.Timeout, s.demo.Enabled = true, 15*time.Minute, true
	return s
}

// sections are those of the sample, with a check across them.
func (s *sample) sections() []config.Section {
	return []config.Section{
		{Path: "server", Into: &s.server},
		{Into: &s.top},
		{Path: "trust", Into: &s.trust, Check: func() (list []config.Problem) {
			for _, i := range s.trust.Issuers {
				if i.Audience == "" {
					list = append(list, config.Problemf("issuers[0].audience", "is missing in %s; write one", s.trust.Domain))
				}
			}
			return list
		}},
		{Path: "far.away.cache", Into: &s.cache},
		{Path: "demo", Into: &s.demo},
		{Path: "log", Into: &s.log},
	}
}

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

func load(t *testing.T, o config.LoadOptions) (*sample, *config.Loaded) {
	t.Helper()
	s := defaults()
	loaded, err := config.Load(o, s.sections()...)
	if err != nil {
		t.Fatal(err)
	}
	return s, loaded
}

func refused(t *testing.T, text string, o config.LoadOptions) {
	t.Helper()
	loaded, err := config.Load(o, defaults().sections()...)
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want an error with %q", err, text)
	}
	if loaded != nil {
		t.Error("there is a configuration beside the error")
	}
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
