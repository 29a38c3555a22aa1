package system_test

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"oms/modules"
	"oms/modules/system"
	"oms/platform/config"
	"oms/platform/issuers"
)

// shipped is the config.yaml of the product.
func shipped(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestConfigYAMLSaysWhatTheStructSays holds config.yaml, the defaults and the struct together: the same keys in the same
// order, with the same values. An unknown key would not load.
func TestConfigYAMLSaysWhatTheStructSays(t *testing.T) {
	loaded := load(t, config.LoadOptions{Embedded: shipped(t)})
	if diff := cmp.Diff(system.Defaults(modules.All), loaded.Config, values); diff != "" {
		t.Errorf("config.yaml differs from the defaults:\n%s", diff)
	}
	var known []string
	for _, s := range loaded.Effective() {
		if s.Source != "embedded config.yaml" {
			t.Errorf("%s is not in config.yaml", s.Key)
		}
		known = append(known, s.Key)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(shipped(t), &document); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(known, written(t, "", document.Content[0])); diff != "" {
		t.Errorf("config.yaml has its keys in another order than the struct:\n%s", diff)
	}
}

// written is the keys of config.yaml in order; each must have a comment above it.
func written(t *testing.T, prefix string, n *yaml.Node) []string {
	var keys []string
	for i := 0; i < len(n.Content); i += 2 {
		label, value := n.Content[i], n.Content[i+1]
		if value.Kind == yaml.MappingNode {
			keys = append(keys, written(t, prefix+label.Value+".", value)...)
			continue
		}
		if label.HeadComment == "" {
			t.Errorf("%s has no comment in config.yaml", prefix+label.Value)
		}
		keys = append(keys, prefix+label.Value)
	}
	return keys
}

func TestTheIssuerInTheCommentLoads(t *testing.T) {
	example := regexp.MustCompile(`(?m)^ *# (trust\.issuers: .*)$`).FindSubmatch(shipped(t))
	if example == nil {
		t.Fatal("config.yaml has no example of an issuer")
	}
	dir := t.TempDir()
	write(t, dir, "jwks.json", `{"keys": []}`)
	write(t, dir, "config.yaml", string(example[1]))
	got := load(t, config.LoadOptions{WorkDir: dir}).Config.Trust.Issuers
	want := []issuers.Issuer{{
		Issuer: "wso2", Audience: "ballerina", JWKSFile: dir + "/jwks.json",
		Algorithms: []string{"RS256"}, Types: []string{"JWT"}, MaxLifetime: 87600 * time.Hour, ScopeClaim: "scope",
		Scopes: []string{"add_order", "update_order", "cancel_order"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnIssuerWithoutDetailsIsStrict(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "jwks.json", `{"keys": []}`)
	got := load(t, config.LoadOptions{WorkDir: dir, Embedded: []byte("trust: {issuers: [{issuer: a, audience: b, jwks_file: jwks.json}]}")}).Config.Trust.Issuers
	want := []issuers.Issuer{{
		Issuer: "a", Audience: "b", JWKSFile: dir + "/jwks.json",
		Algorithms: []string{"RS256"}, Types: []string{"at+jwt", "JWT"}, MaxLifetime: 24 * time.Hour, ScopeClaim: "scope", Scopes: []string{},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
