package host_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/modules/sts/ststest"
	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

// keyOf is a line with a key that is made of one byte.
func keyOf(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }

// keyFile is a file with key encryption keys, one on each line.
func keyFile(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// row is a key as it is stored.
type row struct{ purpose, id, private, encryptedWith string }

func (i *installation) rows() []row {
	i.Helper()
	rows, err := database.Read(i.Context(), i.store, func(tx database.Tx) ([]row, error) {
		return database.Collect(tx, func(from database.Row) (r row, err error) {
			err = from.Scan(&r.purpose, &r.id, &r.private, &r.encryptedWith)
			return r, err
		}, `SELECT purpose, id, private, encrypted_with FROM keys ORDER BY purpose, id`)
	})
	if err != nil {
		i.Fatal(err)
	}
	return rows
}

// put stores rows again, as somebody could who can write to the database.
func (i *installation) put(rows ...row) {
	i.Helper()
	if err := i.store.Write(i.Context(), func(tx database.Tx) error {
		for _, r := range rows {
			if _, err := tx.Exec(`UPDATE keys SET private = $1, encrypted_with = $2 WHERE purpose = $3 AND id = $4`, r.private, r.encryptedWith, r.purpose, r.id); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		i.Fatal(err)
	}
}

// encrypted says whether all rows are, with the same key, and gives its id.
func (i *installation) encrypted() (bool, string) {
	i.Helper()
	rows := i.rows()
	for _, r := range rows {
		der, err := base64.StdEncoding.DecodeString(r.private)
		if err != nil {
			i.Fatal(err)
		}
		if _, err = x509.ParsePKCS8PrivateKey(der); (err != nil) != (r.encryptedWith != "") || r.encryptedWith != rows[0].encryptedWith {
			i.Errorf("the key %s for %s is encrypted with %q, and others with %q: %v", r.id, r.purpose, r.encryptedWith, rows[0].encryptedWith, err)
		}
	}
	return rows[0].encryptedWith != "", rows[0].encryptedWith
}

// mustNotStart wants one line that says this.
func (i *installation) mustNotStart(when string, texts ...string) {
	i.Helper()
	_, _, err := i.start(ststest.PublicHosts()...)
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
			i.Errorf("%s: it starts, or says %v, want %q", when, err, text)
		}
	}
}

// operator does things beside it, with this key encryption key.
func (i *installation) operator(kek string) rpc.Conn {
	return operatorsWith(i, i.store, true, i.clock, kek)
}

func (i *installation) rotate(kek string) error {
	_, err := sts.RotateSigningKey.Call(context.Background(), i.operator(kek), sts.RotateRequest{Announcement: time.Minute, Overlap: time.Hour})
	if err == nil {
		_, err = sts.RotateRoot.Call(context.Background(), i.operator(kek), sts.RotateRootRequest{Announcement: time.Minute, Overlap: time.Hour})
	}
	i.now = i.now.Add(2 * time.Minute)
	return err
}

func (i *installation) issueToken(kek string) error {
	request := sts.IssueTokenRequest{User: "dave", Lifetime: time.Minute, Issuer: ststest.PublicURL, Audience: ststest.PublicURL}
	_, err := sts.IssueToken.Call(context.Background(), i.operator(kek), request)
	return err
}

// newInstallation has the user dave.
func newInstallation(t *testing.T) *installation {
	t.Helper()
	i := &installation{T: t, store: databasetest.Open(t, "sts"), now: time.Now()}
	_, err := sts.AddUser.Call(t.Context(), i.operator(""), sts.AddUserRequest{Name: "dave", Scopes: identity.NewScopes("add_order"), Password: ststest.Password})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *installation) jwks() string {
	i.Helper()
	hosted, _, err := i.start(ststest.PublicHosts()...)
	if err != nil {
		i.Fatal(err)
	}
	answer, err := sts.Client{Conn: rpctest.Shapes()[0].Connect(i, hosted.Host, "gateway")}.Keys(context.Background(), sts.KeysRequest{})
	if err != nil {
		i.Fatal(err)
	}
	return answer.JWKS
}

func TestKeysAreEncryptedFromTheNextStartOn(t *testing.T) {
	i := newInstallation(t)
	before := i.jwks()
	if err := i.rotate(""); err != nil { // so that there are retired ones too
		t.Fatal(err)
	}
	if yes, _ := i.encrypted(); yes || len(i.rows()) != 6 {
		t.Errorf("%d keys, encrypted: %v", len(i.rows()), yes)
	}
	plain := i.jwks()
	i.kek = keyFile(t, keyOf(1))
	log := i.restart(ststest.PublicHosts()...)
	yes, id := i.encrypted()
	i.mustTell("when they are encrypted", log, 1, "level=INFO", "the keys in the database are encrypted with another key than before", "keys=6", "key_encryption_key="+id)
	if after := i.jwks(); !yes || after != plain || after == before {
		t.Errorf("encrypted: %v; the keys were %s, and are %s", yes, plain, after)
	}
	i.mustTell("at the next start", i.restart(ststest.PublicHosts()...), 0)
	if err := errors.Join(i.rotate(i.kek), i.issueToken(i.kek)); err != nil {
		t.Error("beside it:", err)
	}
	if yes, with := i.encrypted(); !yes || with != id || len(i.rows()) != 9 {
		t.Errorf("after a rotation %d keys, encrypted with %q", len(i.rows()), with)
	}
	i.jwks()
	if strings.Contains(log, keyOf(1)[:8]) {
		t.Errorf("the log shows the key: %s", log)
	}
}

func TestAnInstallationIsEncryptedFromTheBeginning(t *testing.T) {
	i := newInstallation(t)
	i.kek = keyFile(t, keyOf(1))
	i.mustTell("at the first start", i.restart(ststest.PublicHosts()...), 0)
	if yes, _ := i.encrypted(); !yes {
		t.Error("the first keys are not encrypted")
	}
}

func TestTheKeyEncryptionKeyIsReplaced(t *testing.T) {
	i := newInstallation(t)
	i.kek = keyFile(t, keyOf(1))
	jwks := i.jwks()
	_, first := i.encrypted()
	old := i.kek
	i.kek = keyFile(t, keyOf(2), keyOf(1))
	// A command comes first: it leaves the keys readable for the server that runs.
	if err := errors.Join(i.rotate(i.kek), i.issueToken(i.kek)); err != nil {
		t.Error("beside a server of before:", err)
	}
	if _, with := i.encrypted(); with != first {
		t.Errorf("a command encrypts with %s, and the server has %s", with, first)
	}
	i.mustTell("with two keys", i.restart(ststest.PublicHosts()...), 1, "keys=6")
	_, second := i.encrypted()
	i.kek = keyFile(t, keyOf(2))
	i.mustTell("with the new key alone", i.restart(ststest.PublicHosts()...), 0)
	if after := i.jwks(); second == first || !strings.Contains(after, `"keys"`) || after == jwks {
		t.Errorf("encrypted with %s, then %s", first, second)
	}
	i.kek = old
	i.mustNotStart("with the old key alone", "cannot be read: it is encrypted with the key encryption key "+second+", which is not in "+old)
}

// What a key encryption key protects is lost without it, so nothing is made anew in its place.
func TestWithoutTheKeyEncryptionKeyItDoesNotStart(t *testing.T) {
	i := newInstallation(t)
	right := keyFile(t, keyOf(1))
	i.kek = right
	i.restart(ststest.PublicHosts()...)
	before := i.rows()
	_, id := i.encrypted()
	i.kek = ""
	i.mustNotStart("without one", "the keys in the database of the STS are encrypted with the key encryption key "+id+"; set sts.key_encryption_key_file to the file that holds it")
	i.kek = keyFile(t, keyOf(3))
	i.mustNotStart("with another one", "it is encrypted with the key encryption key "+id+", which is not in "+i.kek)
	i.kek = filepath.Join(t.TempDir(), "none")
	i.mustNotStart("without its file", "cannot read the key encryption key "+i.kek+": no such file or directory")
	i.kek = keyFile(t, "c2hvcnQ=")
	i.mustNotStart("with a short one", "is a key of 40 bits, and has to be one of 256")
	i.kek = keyFile(t, keyOf(1))
	if err := os.Chmod(i.kek, fs.FileMode(0o640)); err != nil {
		t.Fatal(err)
	}
	i.mustNotStart("where others can read it", "can be used by others (mode 0640); run: chmod 600 ")
	for n, r := range i.rows() {
		if r != before[n] {
			t.Errorf("a start that was refused has changed the key %s", r.id)
		}
	}

	// Nor does a command find a way around.
	for what, err := range map[string]error{"a token": i.issueToken(""), "a rotation": i.rotate(""), "a token with another one": i.issueToken(keyFile(t, keyOf(3)))} {
		if err == nil {
			t.Errorf("%s without the key encryption key", what)
		}
	}
	if len(i.rows()) != len(before) {
		t.Error("a command has added a key without the key encryption key")
	}
	if _, err := sts.ListSigningKeys.Call(t.Context(), i.operator(""), sts.ListRequest{}); err != nil {
		t.Error("what needs no key is refused:", err)
	}
	i.kek = right
	i.mustTell("with the right one", i.restart(ststest.PublicHosts()...), 0)
}

func TestKeysThatWereChangedAreRefused(t *testing.T) {
	swap := func(rows []row, a, b int) []row {
		rows[a].private, rows[b].private = rows[b].private, rows[a].private
		return rows
	}
	const alike = "the keys in the database of the STS are not all encrypted alike, so somebody has changed them; restore the database from a backup"
	for name, c := range map[string]struct {
		change func(rows []row) []row
		want   string
	}{
		"two signing keys have changed places": {func(rows []row) []row { return swap(rows, 2, 3) }, "is corrupt in the database of the STS; restore the database from a backup"},
		"a root is in the place of another":    {func(rows []row) []row { return swap(rows, 0, 4) }, "is corrupt in the database of the STS"},
		"a bit has flipped": {func(rows []row) []row {
			der, _ := base64.StdEncoding.DecodeString(rows[2].private)
			der[len(der)/2] ^= 1
			rows[2].private = base64.StdEncoding.EncodeToString(der)
			return rows
		}, "is corrupt in the database of the STS"},
		"it is cut off":                        {func(rows []row) []row { rows[2].private = rows[2].private[:16]; return rows }, "is corrupt in the database of the STS"},
		"one is of another key encryption key": {func(rows []row) []row { rows[2].encryptedWith = "0123456789abcdef"; return rows }, alike},
		"one is somebody's own, in the clear":  {func(rows []row) []row { rows[2].private, rows[2].encryptedWith = "AAAA", ""; return rows }, alike},
	} {
		t.Run(name, func(t *testing.T) {
			i := newInstallation(t)
			i.kek = keyFile(t, keyOf(1))
			hosted, _, err := i.start(ststest.PublicHosts()...)
			if err == nil {
				err = i.rotate(i.kek)
			}
			if err != nil {
				t.Fatal(err)
			}
			i.put(c.change(i.rows())...)
			i.mustNotStart("at the next start", c.want)
			i.now = i.now.Add(time.Minute) // what was read is old now
			if _, err := (sts.Client{Conn: rpctest.Shapes()[0].Connect(t, hosted.Host, "gateway")}).Feed(t.Context(), sts.FeedRequest{}); err == nil {
				t.Error("the one that runs goes on with it")
			}
		})
	}
}

// Keys that are all in the clear are what somebody leaves who can write to the database and has no key. The server that runs
// knows better; at a start it is told in the log that they are encrypted for the first time.
func TestKeysInTheClearDoNotReplaceEncryptedOnesWhileItRuns(t *testing.T) {
	i := newInstallation(t)
	i.restart(ststest.PublicHosts()...)
	clear := i.rows()
	i.kek = keyFile(t, keyOf(1))
	hosted, _, err := i.start(ststest.PublicHosts()...)
	if err != nil {
		t.Fatal(err)
	}
	i.put(clear...)
	i.now = i.now.Add(time.Minute)
	if _, err := (sts.Client{Conn: rpctest.Shapes()[0].Connect(t, hosted.Host, "gateway")}).Feed(t.Context(), sts.FeedRequest{}); err == nil {
		t.Error("it goes on with them")
	}
	i.mustTell("at the next start", i.restart(ststest.PublicHosts()...), 1, "keys=3")
}
