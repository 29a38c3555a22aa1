package systemtest

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	stshost "oms/modules/sts/host"
	"oms/modules/system"
	"oms/platform/database"
)

// withKeyEncryptionKey is a change of the configuration: there is a key of the operator's.
func withKeyEncryptionKey(t testing.TB) func(*system.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(file, []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *system.Config) {
		settings := system.SettingsOf[stshost.Settings](*c, "sts")
		settings.KeyEncryptionKeyFile = file
		c.Settings["sts"] = &settings
	}
}

// storedKeys are the private keys of the STS as its database has them.
func (d *deployment) storedKeys() (keys []string) {
	d.Helper()
	if err := d.store("sts").Read(d.Context(), func(tx database.Tx) (err error) {
		keys, err = database.Collect(tx, database.Column[string], `SELECT private FROM keys`)
		return err
	}); err != nil {
		d.Fatal(err)
	}
	return keys
}

// What was stored in the clear is not in the files any more when the process has stopped that encrypted it: neither in the
// rows nor where there were rows once.
func TestNoKeyIsLeftInTheClear(t *testing.T) {
	dir := seededDirectory(t)
	d := openOn(t, dir)
	plain := d.storedKeys()
	d.stop("sts")
	holds := func(text string) bool {
		files, err := filepath.Glob(filepath.Join(dir, "sts.db*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if content, err := os.ReadFile(file); err != nil || bytes.Contains(content, []byte(text)) {
				return true
			}
		}
		return false
	}
	for _, key := range plain {
		// Of a key of this kind in base64, what follows the first 48 characters is its own.
		if !holds(key[48:]) {
			t.Fatal("the keys are not stored as this test believes")
		}
	}
	d = openOn(t, dir, withKeyEncryptionKey(t))
	if got := d.do("GET", "/order", bearer(d.token("alice"))); got.Status != 200 { // the token is made by a command beside it
		t.Errorf("a token: %d %s", got.Status, got.Body)
	}
	d.stop("sts")
	for _, key := range plain {
		for part := key[48:]; len(part) >= 24; part = part[24:] {
			if holds(part[:24]) {
				t.Errorf("a part of a key is still in the clear, %d characters before its end", len(part))
			}
		}
	}
}
