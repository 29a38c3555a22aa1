package keyring_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"oms/platform/keyring"
)

// keyOf is a line with a key that is made of one byte.
func keyOf(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }

func fileOf(t *testing.T, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kek")
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, lines ...string) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Open(fileOf(t, strings.Join(lines, "\n")+"\n", 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func encrypt(t *testing.T, ring *keyring.Ring, plain string, place ...string) []byte {
	t.Helper()
	text, err := ring.Encrypt(ring.Current(), []byte(plain), place...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWhatWasEncryptedIsReadBack(t *testing.T) {
	ring := open(t, keyOf(1))
	one, two := encrypt(t, ring, "a private key", "tokens", "kid"), encrypt(t, ring, "a private key", "tokens", "kid")
	if bytes.Equal(one, two) || bytes.Contains(one, []byte("private")) {
		t.Errorf("encrypted: %x and %x", one, two)
	}
	plain, err := open(t, keyOf(1)).Decrypt(ring.Current(), one, "tokens", "kid")
	if err != nil || string(plain) != "a private key" {
		t.Errorf("got %q, %v", plain, err)
	}
}

func TestWhatWasChangedIsNotRead(t *testing.T) {
	ring := open(t, keyOf(1))
	text := encrypt(t, ring, "a private key", "tokens", "kid")
	for i := range len(text) * 8 {
		flipped := bytes.Clone(text)
		flipped[i/8] ^= 1 << (i % 8)
		if _, err := ring.Decrypt(ring.Current(), flipped, "tokens", "kid"); !errors.Is(err, keyring.ErrChanged) {
			t.Fatalf("with bit %d flipped: %v", i, err)
		}
	}
	for n := range len(text) {
		if _, err := ring.Decrypt(ring.Current(), text[:n], "tokens", "kid"); !errors.Is(err, keyring.ErrChanged) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
	for _, place := range [][]string{nil, {"tokens"}, {"tokens", "other"}, {"public", "kid"}, {"kid", "tokens"}, {"tokenskid"}, {"tokens", "kid", ""}, {`tokens","kid`}} {
		if _, err := ring.Decrypt(ring.Current(), text, place...); !errors.Is(err, keyring.ErrChanged) {
			t.Errorf("from the place %q: %v", place, err)
		}
	}
}

func TestTheFirstKeyEncryptsAndBothDecrypt(t *testing.T) {
	old := open(t, keyOf(1))
	text := encrypt(t, old, "a private key", "kid")
	both := open(t, keyOf(2), keyOf(1))
	if plain, err := both.Decrypt(old.Current(), text, "kid"); err != nil || string(plain) != "a private key" {
		t.Errorf("with the key as the second: %q, %v", plain, err)
	}
	next := open(t, keyOf(2))
	if both.Current() != next.Current() || both.Current() == old.Current() {
		t.Errorf("%s encrypts", both.Current())
	}
	if _, err := next.Decrypt(next.Current(), encrypt(t, both, "x", "kid"), "kid"); err != nil {
		t.Error("with the new key alone:", err)
	}
	_, err := next.Decrypt(old.Current(), text, "kid")
	if err == nil || !strings.Contains(err.Error(), old.Current()+", which is not in ") || !strings.HasSuffix(err.Error(), "add it there as the second line") {
		t.Errorf("without the old key: %v", err)
	}
	if _, err := both.Decrypt(both.Current(), text, "kid"); !errors.Is(err, keyring.ErrChanged) {
		t.Errorf("with the id of another key: %v", err)
	}
	var none *keyring.Ring
	if _, err := none.Decrypt(old.Current(), text, "kid"); err == nil || !strings.Contains(err.Error(), old.Current()+", and there is none") || none.Current() != "" {
		t.Errorf("without any key: %v", err)
	}
}

func TestABadFileIsRefused(t *testing.T) {
	good := keyOf(1)
	for _, c := range []struct {
		name, text string
		mode       fs.FileMode
		want       string
	}{
		{"nothing", "", 0o600, "line 1 of FILE is a key of 0 bits, and has to be one of 256; make a key with: openssl rand -base64 32"},
		{"too short", base64.StdEncoding.EncodeToString(make([]byte, 31)), 0o600, "line 1 of FILE is a key of 248 bits, and has to be one of 256"},
		{"too long", base64.StdEncoding.EncodeToString(make([]byte, 33)), 0o600, "line 1 of FILE is a key of 264 bits, and has to be one of 256"},
		{"hex", strings.Repeat("ab", 32), 0o600, "line 1 of FILE is a key of 384 bits"},
		{"words", "correct horse battery staple", 0o600, "line 1 of FILE is not base64"},
		{"without padding", strings.TrimRight(good, "="), 0o600, "line 1 of FILE is not base64"},
		{"loose bits at the end", good[:42] + "F=", 0o600, "line 1 of FILE is not base64"},
		{"a space behind it", good + " ", 0o600, "line 1 of FILE is not base64"},
		{"ends as on Windows", good + "\r\n", 0o600, "line 1 of FILE is not base64"},
		{"an empty line behind it", good + "\n\n", 0o600, "line 2 of FILE is a key of 0 bits"},
		{"a bad second line", good + "\nx\n", 0o600, "line 2 of FILE is not base64"},
		{"the same key twice", good + "\n" + good + "\n", 0o600, "FILE holds the same key twice; keep one line"},
		{"three keys", good + "\n" + keyOf(2) + "\n" + keyOf(3) + "\n", 0o600, "FILE has more than 2 lines"},
		{"read by the group", good, 0o640, "the key encryption key FILE can be used by others (mode 0640); run: chmod 600 FILE, and replace the key"},
		{"read by everybody", good, 0o604, "can be used by others (mode 0604)"},
		{"written by the group", good, 0o620, "can be used by others (mode 0620)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := fileOf(t, c.text, c.mode)
			_, err := keyring.Open(path)
			if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), path, "FILE"), c.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), good[:8]) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "none"), t.TempDir()} {
		if _, err := keyring.Open(path); err == nil || !strings.HasPrefix(err.Error(), "cannot read the key encryption key "+path+": ") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestARingNeverShowsItsKeys(t *testing.T) {
	ring := open(t, keyOf(0xa1), keyOf(0xb2))
	inside := struct{ hidden *keyring.Ring }{ring}
	texts := []string{fmt.Sprint(inside), fmt.Sprintf("%+v", inside), fmt.Sprintf("%#v", inside), ring.Current()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, ring))
	}
	for _, text := range texts {
		for _, b := range []byte{0xa1, 0xb2} {
			if strings.Contains(text, keyOf(b)[:8]) || strings.Contains(text, hex.EncodeToString([]byte{b, b, b, b})) || strings.Contains(text, fmt.Sprintf("%d %d %d", b, b, b)) {
				t.Errorf("it shows a key: %s", text)
			}
		}
	}
	if got := fmt.Sprint(ring); !strings.HasPrefix(got, "key encryption keys "+ring.Current()+" ") {
		t.Errorf("it is shown as %s", got)
	}
}
