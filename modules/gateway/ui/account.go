package ui

import (
	"net/http"

	"oms/modules/sts"
	"oms/platform/identity"
	"oms/platform/secret"
	"oms/web"
)

// accountPath is the page about whoever is signed in.
const accountPath = "/ui/account"

// accountPage is the data of the page "account".
type accountPage struct {
	web.Frame
	sts.Account
}

// session is what the request's browser is signed in with.
func (q *request) session() secret.Text { return identity.CredentialFrom(q.ctx()).Text }

func (q *request) showAccount() error {
	account, err := q.Accounts.Account(q.ctx(), sts.AccountRequest{Session: q.session()})
	if err != nil {
		return err
	}
	return q.show(http.StatusOK, "account", accountPage{q.frame("Your account", "account"), account})
}

// signOutEverywhere ends the user's sessions, this one too, so that it leads to the sign-in page.
func (q *request) signOutEverywhere() error {
	if _, err := q.decode(); err != nil {
		return err
	}
	if _, err := q.Accounts.SignOutEverywhere(q.ctx(), sts.SignOutEverywhereRequest{Session: q.session()}); err != nil {
		return err
	}
	setCookie(q.w, sts.SessionCookie, "", -1)
	q.w.Header().Set("Clear-Site-Data", `"cache"`) // also what the back button would show
	http.Redirect(q.w, q.r, signInPath+"?ended=everywhere", http.StatusSeeOther)
	return nil
}
