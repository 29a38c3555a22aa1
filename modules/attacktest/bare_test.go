package attacktest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
)

// bareNeeds is what the bare server's process needs.
type bareNeeds struct {
	Addresses []string // where it listens, as the modules do
	Admin     string
	Answers   map[string]bareAnswer // by method and path
}

// bareAnswer is an answer that the installation has given.
type bareAnswer struct {
	Status int
	Media  string
	Body   []byte
}

// beBare is the bare server's process: it tells its root when it listens, and ends with its input.
func beBare(in io.Reader, out io.Writer) error {
	input := json.NewDecoder(in)
	var needs bareNeeds
	if err := input.Decode(&needs); err != nil {
		return err
	}
	certificate, root, err := bareCertificate()
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newBareHandler(needs.Answers), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	for i, address := range append(needs.Addresses, needs.Admin) {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		if i < len(needs.Addresses) {
			listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}})
		}
		go func() { _ = server.Serve(listener) }() // until the process ends
	}
	if err := json.NewEncoder(out).Encode(root); err != nil {
		return err
	}
	if err := input.Decode(new(any)); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// bareCertificate is one for localhost, of the kind that the installation has.
func bareCertificate() (certificate tls.Certificate, root []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return certificate, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// bareHandler answers without looking, but for sign-ins: a password costs there what it costs the installation, one at a time
// of two processors, with as many waiting.
type bareHandler struct {
	answers map[string]bareAnswer
	turns   *semaphore.Weighted
	places  *semaphore.Weighted
}

func newBareHandler(answers map[string]bareAnswer) *bareHandler {
	return &bareHandler{answers, semaphore.NewWeighted(1), semaphore.NewWeighted(51)}
}

// ServeHTTP implements [http.Handler].
func (b *bareHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.URL.Path == "/oauth2/sign-in" && r.Method == http.MethodPost {
		b.signIn(w, r, text)
		return
	}
	answer := b.answers[r.Method+" "+r.URL.RequestURI()] // an empty 200 is what others get
	if answer.Status == 0 {
		answer.Status = http.StatusOK
	}
	w.Header().Set("Content-Type", answer.Media)
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body)
}

func (b *bareHandler) signIn(w http.ResponseWriter, r *http.Request, form []byte) {
	if !b.places.TryAcquire(1) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer b.places.Release(1)
	if b.turns.Acquire(r.Context(), 1) != nil {
		return
	}
	defer b.turns.Release(1)
	argon2.IDKey(form[:min(len(form), 1024)], make([]byte, 16), 2, 19*1024, 1, 32)
	if bytes.HasPrefix(form, []byte("name=bob&")) {
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusUnprocessableEntity)
}
