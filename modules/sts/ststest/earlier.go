package ststest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"path/filepath"
	"testing/fstest"
	"time"

	"oms/migrations"
	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/database/sqlite"
	"oms/platform/pki"
	"oms/platform/token"
)

// earlierMigrations are those of the version whose only root can sign for any name.
var earlierMigrations = []string{"0001_sts.sql", "0002_sessions.sql", "0003_workloads.sql"}

// Earlier makes a data directory as that version has left it when it was stopped just now: the STS's database, and the
// certificates of these workloads and of the public listener.
func Earlier(ctx context.Context, directory string, now time.Time, workloads ...string) (err error) {
	root, private, err := earlierRoot(now)
	if err != nil {
		return err
	}
	signing, err := token.GenerateSigningKey(token.ES256)
	if err != nil {
		return err
	}
	der, err := signing.MarshalPKCS8()
	if err != nil {
		return err
	}
	if err := earlierDatabase(ctx, directory, func(tx database.Tx) error {
		const add = `INSERT INTO keys (id, purpose, algorithm, private, certificate, created_at, activates_at) VALUES ($1, $2, 'ES256', $3, $4, $5, $5)`
		_, err := tx.Exec(add, signing.ID(), "tokens", base64.StdEncoding.EncodeToString(der), "", now)
		if err == nil {
			_, err = tx.Exec(add, root.Fingerprint(), "certificates", base64.StdEncoding.EncodeToString(private), base64.StdEncoding.EncodeToString(root.Certificate().Raw), now)
		}
		return err
	}); err != nil {
		return err
	}
	return earlierFiles(ctx, filepath.Join(directory, "pki"), now, root, signing, workloads)
}

// earlierRoot is a root that can sign for any name.
func earlierRoot(now time.Time) (root *pki.Authority, private []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{Organization: []string{Domain}, CommonName: "Private root", SerialNumber: rand.Text()[:8]},
		URIs:    []*url.URL{{Scheme: "spiffe", Host: Domain}}, NotBefore: now.Add(-pki.Backdate), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	if private, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, nil, err
	}
	root, err = pki.ParseAuthority(Domain, certificate, private)
	return root, private, err
}

// earlierDatabase makes the database of the STS with the schema of that version.
func earlierDatabase(ctx context.Context, directory string, fill func(database.Tx) error) error {
	files := fstest.MapFS{}
	for _, name := range earlierMigrations {
		text, err := fs.ReadFile(migrations.For("sts"), name)
		if err != nil {
			return err
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	store, err := sqlite.OpenServer(ctx, sqlite.Options{Path: filepath.Join(directory, "sts.db"), Migrations: files})
	if err != nil {
		return err
	}
	return errors.Join(store.Write(ctx, fill), store.Close())
}

// earlierFiles are what the processes have kept: their certificates, and what was announced last.
func earlierFiles(ctx context.Context, directory string, now time.Time, root *pki.Authority, signing token.SigningKey, workloads []string) error {
	roots, err := pki.NewRoots(Domain, root.Certificate())
	if err != nil {
		return err
	}
	if err := pki.WriteRoots(filepath.Join(directory, "root.pem"), roots); err != nil {
		return err
	}
	keys, err := token.NewKeySet(signing.Public())
	if err != nil {
		return err
	}
	jwks, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	feed, err := json.Marshal(sts.Feed{Version: "earlier", JWKS: string(jwks), Roots: string(roots.PEM())})
	if err != nil {
		return err
	}
	if err := pki.WriteSecret(filepath.Join(directory, "feed.json"), feed); err != nil {
		return err
	}
	keep := func(name, id string, issue func(request []byte) (*x509.Certificate, error)) error {
		pair, err := pki.OpenKeyPair(filepath.Join(directory, name+".pem"))
		if err != nil {
			return err
		}
		return pair.Renew(ctx, id, func(_ context.Context, request []byte) ([][]byte, error) {
			leaf, err := issue(request)
			if err != nil {
				return nil, err
			}
			return [][]byte{leaf.Raw, root.Certificate().Raw}, nil
		})
	}
	for _, workload := range workloads {
		if err := keep(workload, pki.ID(Domain, workload), func(request []byte) (*x509.Certificate, error) {
			return root.IssueWorkload(request, workload, now, CertificateLifetime)
		}); err != nil {
			return err
		}
	}
	return keep("public", "", func(request []byte) (*x509.Certificate, error) {
		return root.IssueServer(request, PublicHosts(), now, CertificateLifetime)
	})
}
