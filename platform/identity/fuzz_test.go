package identity_test

import (
	"strings"
	"testing"

	"oms/platform/identity"
)

// FuzzFromTraceparent: what is read as a transaction is 32 lower-case hexadecimal digits of the text, and survives being sent on.
func FuzzFromTraceparent(f *testing.F) {
	const id = "0123456789abcdef0123456789abcdef"
	for _, seed := range []string{
		"00-" + id + "-0123456789abcdef-01", "00-" + strings.ToUpper(id) + "-0123456789abcdef-01", "ff-" + id + "-0123456789abcdef-01",
		"00-" + strings.Repeat("0", 32) + "-0123456789abcdef-01", "00-" + id + "-0000000000000000-01", "00-" + id + "-0123456789abcdef-01-", id, "",
		"00-" + id + "\r\n-0123456789abcdef-01", strings.Repeat("-", 1<<16),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		transaction := identity.FromTraceparent(text)
		if transaction == "" {
			return
		}
		if len(transaction) != 32 || strings.Trim(transaction, "0123456789abcdef") != "" || !strings.HasPrefix(text, "00-"+transaction+"-") {
			t.Fatalf("%q is read as %q", text, transaction)
		}
		if again := identity.FromTraceparent(identity.Traceparent(transaction)); again != transaction {
			t.Fatalf("%q is sent on as %q", transaction, again)
		}
	})
}

// FuzzExternal: two subjects of other issuers never have one name, and none has the name of a user of ours.
func FuzzExternal(f *testing.F) {
	f.Add("https://issuer.example", "alice", "https://issuer.example", "alice|")
	f.Add("a", "b|c", "a|b", "c")
	f.Add("", "alice", "", "\x00alice")
	f.Fuzz(func(t *testing.T, issuer, subject, otherIssuer, otherSubject string) {
		if strings.Contains(issuer, "|") || strings.Contains(otherIssuer, "|") {
			t.Skip("configuration refuses issuers with the character that divides")
		}
		name, other := identity.External(issuer, subject), identity.External(otherIssuer, otherSubject)
		if (name == other) != (issuer == otherIssuer && subject == otherSubject) {
			t.Fatalf("%q of %q and %q of %q are %q and %q", subject, issuer, otherSubject, otherIssuer, name, other)
		}
		if !strings.Contains(name, "|") {
			t.Fatalf("%q could be a user of ours", name)
		}
	})
}
