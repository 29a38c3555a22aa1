package systemtest

import (
	"net/http"
	"strings"
	"testing"

	"oms/modules/sts"
	"oms/platform/identity"
)

// A full name is optional, and so it says nothing about whether somebody is signed in: who has none has all of the pages.
func TestAUserWithoutAFullNameHasAllOfThePages(t *testing.T) {
	d := open(t)
	const password = "a long pass phrase"
	for user, name := range map[string]string{"nameless": "", "blank": "   "} {
		if _, err := sts.AddUser.Call(t.Context(), d.operators(), sts.AddUserRequest{Name: user, FullName: name, Scopes: identity.NewScopes("add_order"), Password: password}); err != nil {
			t.Fatal(err)
		}
		signedIn := d.do("POST", "/oauth2/sign-in", header("Content-Type", "application/x-www-form-urlencoded"), body("name="+user+"&password=a+long+pass+phrase"))
		cookies := (&http.Response{Header: signedIn.Header}).Cookies()
		for _, page := range []string{"/ui/", "/ui/orders", "/ui/basket", "/ui/account"} {
			got := d.do("GET", page, withCookies(cookies...))
			for _, part := range []string{`href="/ui/orders"`, `action="/oauth2/logout"`, user} {
				if !strings.Contains(got.Body, part) {
					t.Errorf("%s of %s has no %s", page, user, part)
				}
			}
		}
	}
}
