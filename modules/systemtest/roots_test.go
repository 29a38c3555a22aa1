package systemtest

import (
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oms/modules"
	"oms/modules/sts"
	"oms/modules/sts/ststest"
	"oms/modules/system"
	"oms/platform/module"
)

// Who imports root.pem trusts the public listener, and no module; who looks at a module with workloads.pem sees it hold.
func TestToolsVerifyEachListenerByItsOwnRoot(t *testing.T) {
	openssl, curl := RequireInstalled(t, "openssl", "openssl"), RequireInstalled(t, "curl", "curl")
	d := openSplit(t)
	public := system.RootCertificate(d.config)
	workloads := filepath.Join(filepath.Dir(public), "workloads.pem")
	_, port, _ := strings.Cut(d.address, ":")
	for _, host := range []string{"localhost", "127.0.0.1"} {
		said, err := d.run("", curl, "-sS", "--max-time", "10", "--cacert", public, "https://"+host+":"+port+"/inventory")
		if err != nil || !strings.Contains(said, `"available"`) {
			t.Errorf("curl, %s: %v\n%s", host, err, said)
		}
	}
	cert, key := certificateFiles(t, d.certificateOf("order"))
	for _, c := range []struct {
		what, address, roots string
		holds                bool
	}{
		{"the public listener by the public root", d.address, public, true},
		{"the public listener by the private root", d.address, workloads, false},
		{"a module by the private root", d.addressOf("inventory"), workloads, true},
		{"a module by the public root", d.addressOf("inventory"), public, false},
	} {
		said, err := d.run("Q\n", openssl, "s_client", "-connect", c.address, "-CAfile", c.roots, "-verify_return_error", "-cert", cert, "-key", key)
		if holds := err == nil && strings.Contains(said, "Verify return code: 0 (ok)"); holds != c.holds {
			t.Errorf("%s: it holds: %v, %v\n%s", c.what, holds, err, said)
		}
	}
}

// followed is a client that reads root.pem for every connection, as curl does.
func (d *deployment) followed() *http.Client {
	d.Helper()
	return NewClient(ClientOptions{Address: d.address, Roots: func() (*x509.CertPool, error) { return rootsIn(system.RootCertificate(d.config)) }})
}

func rootsIn(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool, err
}

// asks sends one request over a connection of its own.
func (d *deployment) asks(client *http.Client, host string) error {
	d.Helper()
	r, err := http.NewRequest(http.MethodGet, "https://"+host+"/inventory", nil)
	if err != nil {
		d.Fatal(err)
	}
	defer client.CloseIdleConnections()
	got, err := Fetch(client, r)
	if err == nil && got.Status != http.StatusOK {
		d.Errorf("%s: %d %s", host, got.Status, got.Body)
	}
	return err
}

// An installation of the version with one root for everything is started with this one: no connection fails, neither of
// those who follow root.pem nor, until the next root signs, of those who have a copy of before.
func TestAnEarlierInstallationMovesWithoutAFailedConnection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := ststest.Earlier(t.Context(), dir, time.Now(), module.Names(modules.All)...); err != nil {
		t.Fatal(err)
	}
	pki := filepath.Join(dir, "pki")
	copied, err := rootsIn(filepath.Join(pki, "root.pem"))
	if err != nil {
		t.Fatal(err)
	}
	const announcement, overlap = 3 * time.Second, 3 * time.Second
	d := openOn(t, dir, func(c *system.Config) {
		c.Trust.RootAnnouncement, c.Trust.RootOverlap, c.Trust.CertificateTTL = announcement, overlap, overlap
	})
	d.expectLogged("sts", "level=WARN", "whoever has imported root.pem has to import it again", `names="127.0.0.1 ::1 localhost"`)
	follows, before := d.followed(), NewClient(ClientOptions{Address: d.address, Roots: func() (*x509.CertPool, error) { return copied, nil }})
	roots := func() (all []sts.SigningKey) {
		list, err := sts.ListCertificates.Call(d.Context(), d.operators(), sts.ListRequest{})
		if err != nil {
			d.Fatal(err)
		}
		return list.Roots
	}
	if err := d.asks(before, "localhost"); err != nil {
		t.Error("a copy of before, while the next root is announced:", err)
	}
	connections := 0
	if !eventually(func() bool {
		connections++
		if err := d.asks(follows, "localhost"); err != nil {
			t.Errorf("connection %d: %v", connections, err)
		}
		return len(roots()) == 2
	}) {
		t.Fatalf("the earlier root does not go: %v", roots())
	}
	t.Logf("%d connections", connections)
	if err := d.asks(before, "localhost"); err == nil {
		t.Error("the earlier root is still shown")
	}
	for _, file := range []string{"root.pem", "workloads.pem"} {
		if !eventually(func() bool {
			text, err := os.ReadFile(filepath.Join(pki, file))
			return err == nil && strings.Count(string(text), "BEGIN CERTIFICATE") == 1
		}) {
			t.Errorf("%s still holds the earlier root", file)
		}
	}
}

func TestAnotherPublicURLComesWithItsRoot(t *testing.T) {
	dir := seededDirectory(t)
	d := openOn(t, dir)
	before, err := rootsIn(system.RootCertificate(d.config))
	if err != nil {
		t.Fatal(err)
	}
	d.stop("sts")
	d = openOn(t, dir, func(c *system.Config) {
		c.Server.PublicURL, c.Server.Address = "https://shop.example.com", "0.0.0.0:0"
		c.Demo.Enabled = false
	})
	d.expectLogged("sts", "level=WARN", "whoever has imported root.pem has to import it again", "names=shop.example.com")
	_, port, _ := strings.Cut(strings.TrimPrefix(d.address, "[::]"), ":")
	d.address = "127.0.0.1:" + port
	if err := d.asks(d.followed(), "shop.example.com"); err != nil {
		t.Error(err)
	}
	if err := d.asks(d.followed(), "localhost"); err == nil {
		t.Error("it still proves to be localhost")
	}
	if err := d.asks(NewClient(ClientOptions{Address: d.address, Roots: func() (*x509.CertPool, error) { return before, nil }}), "shop.example.com"); err == nil {
		t.Error("the root of the other names is trusted for these")
	}
}
