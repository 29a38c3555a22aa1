package system_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"

	"oms/modules"
	"oms/modules/system"
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

// values compares configurations by what can be set.
var values = cmpopts.IgnoreUnexported(system.Config{})

func load(t *testing.T, o config.LoadOptions) *system.Loaded {
	t.Helper()
	loaded, err := system.Load(o, modules.All)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func setting(t *testing.T, l *system.Loaded, key string) config.Setting {
	t.Helper()
	for _, s := range l.Effective() {
		if s.Key == key {
			return s
		}
	}
	t.Fatalf("there is no key %s", key)
	return config.Setting{}
}
