package modulestest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"testing"

	"oms/modules/modulestest"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

// forgetful keeps nothing of what it observes, so that a run of any length costs the same.
type forgetful struct{}

func (forgetful) Observe(context.Context, rpc.Record) {}

// A call for a user, each in a transaction of its own, in every shape; the STS is in this process, so its round trip is
// what it computes. Verifying one signature is the least that any proof costs.
func BenchmarkCallForAUser(b *testing.B) {
	b.Run("limit: one ES256 signature verified", func(b *testing.B) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		digest := sha256.Sum256([]byte("x"))
		signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
				b.Fatal("it does not hold")
			}
		}
	})
	for _, shape := range append(rpctest.Shapes()[:1:1], modulestest.Proven(b, modulestest.Probe())...) {
		if strings.HasSuffix(shape.Name, "made twice") {
			continue
		}
		b.Run(shape.Name, func(b *testing.B) {
			host, err := rpctest.HostProbe(forgetful{})
			if err != nil {
				b.Fatal(err)
			}
			conn := shape.Connect(b, host, "gateway")
			alice := identity.From(rpctest.As("alice", "echo"))
			for b.Loop() {
				alice.Transaction = identity.NewTransaction()
				if _, err := rpctest.Whoami.Call(identity.With(b.Context(), alice), conn, rpctest.Nothing{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
