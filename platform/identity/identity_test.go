package identity_test

import (
	"context"
	"slices"
	"testing"

	"oms/platform/identity"
)

func TestScopesAreASet(t *testing.T) {
	got := identity.NewScopes("b", "", "a", "b")
	if !slices.Equal(got, identity.Scopes{"a", "b"}) || !got.Has("a") || got.Has("") || got.Has("c") {
		t.Errorf("scopes %v", got)
	}
	if both := got.Intersect(identity.NewScopes("b", "c")); !slices.Equal(both, identity.Scopes{"b"}) {
		t.Errorf("intersection %v", both)
	}
}

func TestWithoutAPrincipalNobodyIsThere(t *testing.T) {
	if p := identity.From(context.Background()); p.Subject != "" || p.Caller != "" || len(p.Scopes) > 0 {
		t.Errorf("principal %+v", p)
	}
}

func TestTransactionsAreOnesOwn(t *testing.T) {
	first, second := identity.NewTransaction(), identity.NewTransaction()
	if len(first) != 32 || first == second {
		t.Errorf("transactions %q and %q", first, second)
	}
}
