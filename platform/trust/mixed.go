package trust

import "net/http"

// broughtBy are the headers in which the profiles bring their proofs.
var broughtBy = []struct{ profile, header string }{
	{"exchange", "Authorization"}, {"transaction", "Txn-Token"}, {"peer", "Workload-Proof"},
}

// Mixed is a sentence for the log about a call that brings the proof of another profile than the process has, with a space in front;
// "" where it brings none.
func Mixed(own string, header http.Header) string {
	for _, other := range broughtBy {
		if other.profile != own && len(header.Values(other.header)) > 0 {
			return " It brings the proof of the profile " + other.profile + ", and this process has " + own + ": set trust.profile to the same in all of them."
		}
	}
	return ""
}
