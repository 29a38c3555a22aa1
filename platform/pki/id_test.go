package pki_test

import (
	"strings"
	"testing"

	"oms/platform/pki"
	"oms/platform/rpc"
)

func TestAnIdentityNamesOneWorkload(t *testing.T) {
	for _, name := range []string{"order", "a", "sts-2", strings.Repeat("a", 63)} {
		if got, ok := pki.Workload(domain, pki.ID(domain, name)); got != name || !ok {
			t.Errorf("%s: got %q, %v", name, got, ok)
		}
	}
	for _, id := range []string{
		"", "order", "spiffe://", "spiffe://orders.local", "spiffe://orders.local/", "spiffe://orders.local//order",
		"spiffe://orders.local/order/", "spiffe://orders.local/order/2", "spiffe://orders.local/Order", "spiffe://orders.local/2order",
		"spiffe://orders.local/-order", "spiffe://orders.local/order?", "spiffe://orders.local/order#", "spiffe://orders.local/%6frder",
		"spiffe://orders.local/order\x00", "spiffe://orders.local/ordér", "spiffe://orders.local/" + strings.Repeat("a", 64),
		"SPIFFE://orders.local/order", "spiffe://Orders.local/order", "spiffe://orders.local:443/order", "spiffe://x@orders.local/order",
		"spiffe://orders.local.evil/order", "spiffe://shop.local/order", "https://orders.local/order", " spiffe://orders.local/order",
		pki.ID(domain, rpc.Operator), pki.ID(domain, rpc.Anonymous), // callers that are no workloads
	} {
		if got, ok := pki.Workload(domain, id); got != "" || ok {
			t.Errorf("%q names %q", id, got)
		}
	}
}
