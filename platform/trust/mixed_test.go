package trust_test

import (
	"net/http"
	"strings"
	"testing"

	"oms/platform/trust"
)

func TestTheProofOfAnotherProfileIsNamed(t *testing.T) {
	for _, c := range []struct {
		own, header string
		want        string
	}{
		{"exchange", "", ""}, {"exchange", "Authorization", ""}, {"exchange", "Workload-Proof", "peer"}, {"exchange", "Txn-Token", "transaction"},
		{"peer", "Authorization", "exchange"}, {"peer", "Txn-Token", "transaction"}, {"peer", "Workload-Proof", ""},
		{"transaction", "Authorization", "exchange"}, {"transaction", "Workload-Proof", "peer"}, {"transaction", "Other", ""},
	} {
		header := http.Header{}
		if c.header != "" {
			header.Set(c.header, "x")
		}
		got := trust.Mixed(c.own, header)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) || c.want != "" && !strings.Contains(got, "this process has "+c.own) {
			t.Errorf("%s gets %s: %q", c.own, c.header, got)
		}
	}
}
