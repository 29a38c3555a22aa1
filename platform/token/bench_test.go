package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"oms/platform/token"
)

// BenchmarkVerifyES256 measures how much judging a token costs above its signature: ratio is the time of Verify by the
// time of crypto/ecdsa alone, both taken in turn in one run.
func BenchmarkVerifyES256(b *testing.B) {
	w := newWorld(b, token.ES256)
	raw := w.sign(b, "at+jwt", w.claims())
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256([]byte(raw))
	signature, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	compare(b, func() {
		if _, err := w.issuer.Verify(raw, w.keys, now); err != nil {
			b.Fatal(err)
		}
	}, func() {
		if !ecdsa.VerifyASN1(&private.PublicKey, sum[:], signature) {
			b.Fatal("the signature must hold")
		}
	})
}

// BenchmarkSignES256 is the same for Sign.
func BenchmarkSignES256(b *testing.B) {
	w := newWorld(b, token.ES256)
	claims := w.claims()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256([]byte("a message"))
	compare(b, func() {
		if _, err := token.Sign(w.key, "at+jwt", claims); err != nil {
			b.Fatal(err)
		}
	}, func() {
		if _, err := ecdsa.SignASN1(rand.Reader, private, sum[:]); err != nil {
			b.Fatal(err)
		}
	})
}

// compare runs both in turn, so that a noisy machine disturbs them alike.
func compare(b *testing.B, whole, part func()) {
	var inWhole, inPart time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		whole()
		middle := time.Now()
		part()
		inWhole, inPart = inWhole+middle.Sub(start), inPart+time.Since(middle)
	}
	b.ReportMetric(float64(inWhole.Nanoseconds())/float64(b.N), "ns/token")
	b.ReportMetric(float64(inPart.Nanoseconds())/float64(b.N), "ns/ecdsa")
	b.ReportMetric(float64(inWhole)/float64(inPart), "ratio")
}

// BenchmarkPeek is what choosing the issuer costs before Verify.
func BenchmarkPeek(b *testing.B) {
	w := newWorld(b, token.ES256)
	raw := w.sign(b, "at+jwt", w.claims())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := token.Peek(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefuse is what a stranger can make us do without a signature: the longest text that could be a token.
func BenchmarkRefuse(b *testing.B) {
	w := newWorld(b, token.ES256)
	for name, raw := range map[string]string{
		"dots":    strings.Repeat(".", token.MaxLength),
		"garbage": strings.Repeat("A", token.MaxLength/2) + "." + strings.Repeat("A", token.MaxLength/2-2) + ".",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.issuer.Verify(raw, w.keys, now); err == nil {
					b.Fatal("must be refused")
				}
			}
		})
	}
}
