package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"oms/platform/config"
)

func TestABadFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	cases := []struct{ name, text, want string }{
		{"not YAML", "server:\n\taddress: x", "config.yaml: is not YAML: line 2"},
		{"a list", "- server", "config.yaml:1: takes keys and values"},
		{"a word", "server", "config.yaml:1: takes keys and values"},
		{"two documents", "log: {level: info}\n---\nlog: {level: warn}\n", "config.yaml:2: a second document begins here"},
		{"a bad second document", "log: {level: info}\n---\n{", "config.yaml: is not YAML"},
		{"a key twice", "data_dir: a\ndata_dir: b\n", "config.yaml:2: data_dir: appears twice"},
		{"a section twice", "log: {level: info}\nlog: {format: json}\n", "config.yaml:2: log: appears twice"},
		{"a merge", "log: &a {level: info}\ndemo:\n  <<: *a\n", "config.yaml:3: demo.<<: unknown key"},
		{"a cycle", "server: &a\n  tls: *a\n", "config.yaml:2: server.tls.tls: unknown key"},
		{"a cycle of lists", "trust.issuers: &a [*a]", "config.yaml:1: trust.issuers[0]: takes a section"},
		{"a key that is a list", "[a]: b", "config.yaml:1: unknown key"},
		{"binary", "\x00\x01", "config.yaml: is not YAML"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			write(t, dir, "config.yaml", c.text)
			refused(t, c.want, config.LoadOptions{WorkDir: dir})
		})
	}
	for name, text := range map[string]string{"empty": "", "comments": "# nothing\n", "null": "~", "a mark": "---\n"} {
		t.Run(name, func(t *testing.T) {
			write(t, dir, "config.yaml", text)
			load(t, config.LoadOptions{WorkDir: dir})
		})
	}
}

func TestAFileThatCannotBeReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	refused(t, "cannot read the configuration file none.yaml: no such file or directory", config.LoadOptions{WorkDir: dir, File: "none.yaml"})
	if err := os.Mkdir(filepath.Join(dir, "config.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	refused(t, "cannot read the configuration file config.yaml: is a directory", config.LoadOptions{WorkDir: dir})
}
