package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

const fuzzed = "orders.local"

// madeUp is a root and the file of a workload that it has issued a certificate for.
func madeUp(f *testing.F) (root *Authority, request, file []byte) {
	f.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	root, err := NewAuthority(fuzzed, now)
	if err != nil {
		f.Fatal(err)
	}
	key, err := newKey()
	if err != nil {
		f.Fatal(err)
	}
	if request, err = newRequest(key, ID(fuzzed, "order")); err != nil {
		f.Fatal(err)
	}
	leaf, err := root.IssueWorkload(request, "order", now, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	if file, err = encodeKeyPair(key, [][]byte{leaf.Raw, root.Certificate().Raw}); err != nil {
		f.Fatal(err)
	}
	return root, request, file
}

// FuzzCertificateRequest: what is granted is a request that crypto/x509 reads, for a P-256 key that has signed it, with the
// one name that the caller has, and nothing else.
func FuzzCertificateRequest(f *testing.F) {
	root, request, _ := madeUp(f)
	f.Add(request)
	f.Add(request[:len(request)-1])
	f.Add(append(bytes.Clone(request), 0))
	f.Add(root.Certificate().Raw)
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, request []byte) {
		for _, id := range []string{ID(fuzzed, "order"), ""} {
			key, err := requestedKey(request, id)
			if err != nil {
				continue
			}
			parsed, err := x509.ParseCertificateRequest(request)
			if err != nil || parsed.CheckSignature() != nil {
				t.Fatalf("granted what x509 refuses: %v", err)
			}
			if asked, ok := parsed.PublicKey.(*ecdsa.PublicKey); !ok || !key.Equal(asked) {
				t.Fatal("granted another key")
			}
			if id == "" && len(parsed.Extensions) > 0 || id != "" && (len(parsed.URIs) != 1 || parsed.URIs[0].String() != id) ||
				len(parsed.DNSNames)+len(parsed.IPAddresses)+len(parsed.EmailAddresses)+len(parsed.Subject.Names) > 0 {
				t.Fatalf("granted %q with %+v", id, parsed)
			}
		}
	})
}

// FuzzKeyPairFile: a file that is accepted holds a key, its certificate and what signed it; written again it is read the same.
func FuzzKeyPairFile(f *testing.F) {
	root, _, file := madeUp(f)
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add(append(bytes.Clone(file), file...))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: root.Certificate().Raw}))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		read, err := parseKeyPair(file)
		if err != nil {
			if strings.Contains(err.Error(), "PRIVATE KEY") {
				t.Fatalf("the error quotes the file: %v", err)
			}
			return
		}
		key := read.PrivateKey.(*ecdsa.PrivateKey)
		if !key.PublicKey.Equal(read.Leaf.PublicKey) {
			t.Fatal("the certificate is for another key")
		}
		written, err := encodeKeyPair(key, read.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseKeyPair(written)
		if err != nil || !key.Equal(again.PrivateKey) || len(again.Certificate) != len(read.Certificate) {
			t.Fatalf("written again: %v", err)
		}
	})
}

// FuzzParseRoots: what is accepted holds the roots that encoding/pem and crypto/x509 find, all of the domain, and is the
// same text ever after.
func FuzzParseRoots(f *testing.F) {
	root, _, file := madeUp(f)
	one := pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: root.Certificate().Raw})
	f.Add(one)
	f.Add(append(append([]byte("text before\n"), one...), one...))
	f.Add(one[:len(one)-10])
	f.Add(file)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		roots, err := ParseRoots(fuzzed, text)
		if err != nil {
			return
		}
		for _, certificate := range roots.Certificates() {
			if !certificate.IsCA || certificate.CheckSignatureFrom(certificate) != nil {
				t.Fatal("accepted what is no root")
			}
		}
		if !x509.NewCertPool().AppendCertsFromPEM(text) {
			t.Fatal("accepted what x509 finds no certificate in")
		}
		again, err := ParseRoots(fuzzed, roots.PEM())
		if err != nil || !bytes.Equal(again.PEM(), roots.PEM()) || !again.equal(roots) {
			t.Fatalf("written again: %v", err)
		}
	})
}

// FuzzWorkload: a text names a workload where it is exactly what that workload's identity is written as.
func FuzzWorkload(f *testing.F) {
	for _, seed := range []string{
		"spiffe://orders.local/order", "spiffe://orders.local/order/", "spiffe://orders.local//order", "spiffe://orders.local/%6frder", "SPIFFE://orders.local/order",
		"spiffe://orders.local/order?", "spiffe://orders.local.evil/order", "spiffe://orders.local/operator", "spiffe://orders.local/stranger", "spiffe://orders.local/",
		"spiffe://orders.local/a\x00", "spiffe://orders.local/" + strings.Repeat("a", 64), "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		workload, ok := Workload(fuzzed, id)
		if !ok {
			return
		}
		if ID(fuzzed, workload) != id || strings.ContainsAny(workload, "/%?#. ") || len(workload) > maxWorkload || workload == "operator" || workload == "stranger" {
			t.Fatalf("%q names %q", id, workload)
		}
		if uri(fuzzed, workload).String() != id {
			t.Fatalf("a certificate for %q would say %q", id, uri(fuzzed, workload))
		}
	})
}
