package module

import "net/http"

// Page is a route that a module offers besides its operations. It is reached through the gateway alone, wherever the
// module lives. Pages are declared, so that the gateway knows them without the module.
type Page struct {
	Method string // GET also serves HEAD
	Path   string // without members: "/oauth2/sign-in"
	// ForPeople has the gateway explain on a page why it cannot reach the module; programs get problem details.
	ForPeople bool
}

// PageHandler serves pages where no router stands before them, each with its handler. Other paths and methods are refused.
func PageHandler(pages []Page, handler func(Page) http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, page := range pages {
		mux.Handle(page.Method+" "+page.Path, handler(page))
	}
	return mux
}
