package keyring_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"oms/platform/keyring"
)

// FuzzOpen: a file is one or two keys that encrypt and decrypt, or it is refused in one line that shows nothing of it.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{"", keyOf(1), keyOf(1) + "\n", keyOf(1) + "\n" + keyOf(2) + "\n", keyOf(1) + "\r\n", keyOf(1) + "\n\n", strings.Repeat(keyOf(1)+"\n", 100), "\x00\xff", strings.Repeat("A", 44)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "kek")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		ring, err := keyring.Open(path)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 200+len(path) {
				t.Fatalf("%q is refused with %v", text, err)
			}
			return
		}
		if lines := strings.Fields(string(text)); len(lines) == 0 || len(lines) > 2 {
			t.Fatalf("%q is a ring", text)
		}
		encrypted, err := ring.Encrypt(ring.Current(), []byte("plain"), "place")
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := ring.Decrypt(ring.Current(), encrypted, "place"); err != nil || string(plain) != "plain" {
			t.Fatalf("%q, %v", plain, err)
		}
	})
}
