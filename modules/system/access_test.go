package system_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"oms/platform/config"
)

// What everybody on the machine can write is refused wherever it lies, and told with the command that mends it.
func TestADataDirectoryThatOthersCanWriteIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		changed string // below the data directory
		mode    os.FileMode
		refused bool
	}{
		"as the product makes it":         {"", 0o700, false},
		"that others can read":            {"", 0o755, false},
		"that its group can write":        {"", 0o770 | os.ModeSetgid, false},
		"that everybody can write":        {"", 0o777, true},
		"that everybody can write sticky": {"", 0o777 | os.ModeSticky, true},
		"with a directory of everybody's": {"pki", 0o777, true},
		"with a key of everybody's":       {"pki/public.pem", 0o666, true},
		"with a database of everybody's":  {"order.db", 0o602, true},
		"with a database of its group":    {"order.db", 0o660, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.MkdirAll(filepath.Join(dir, "pki"), 0o700); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{"order.db", "pki/public.pem"} {
				if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("order.db", filepath.Join(dir, "other.db")); err != nil { // whose own mode is 0777
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(dir, c.changed), c.mode); err != nil {
				t.Fatal(err)
			}
			options := config.LoadOptions{Flags: map[string]string{"data_dir": dir}}
			if c.refused {
				refused(t, fmt.Sprintf("data_dir: %s can be written by everybody on this machine (mode %04o); run: chmod -R o-w %s", filepath.Join(dir, c.changed), c.mode.Perm(), dir), options)
			} else {
				load(t, options)
			}
		})
	}
}
