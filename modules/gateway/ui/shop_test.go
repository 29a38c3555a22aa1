package ui_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"oms/platform/fault"
)

func TestShopShowsWhatThereIs(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	alice.get("/ui/").must(http.StatusOK,
		"<title>Shop · Order desk</title>", "The user alice", "Books", "Electronics", "Book A", "$15.39", "$1,249.00",
		`data-availability="books/a">10 left`, `data-availability="electronics/m">In stock`, `data-availability="books/gone">Sold out`,
		`aria-label="Add Gone to the basket" disabled`)
}

func TestShopSearches(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	alice.get("/ui/?q=book").must(http.StatusOK, "Book A", "Book B", "2 products found for “book”").mustNotSay("Machine")
	alice.get("/ui/?category=electronics").must(http.StatusOK, "Machine", "1 product found", `<option value="electronics" selected>`).mustNotSay("Book A")
	alice.get("/ui/?q=nothing+like+it").must(http.StatusOK, "Nothing found", "Show everything")
	alice.get("/ui/?q="+strings.Repeat("x", 2000)).must(http.StatusOK, "Nothing found")
}

func TestAddingLeadsBackAndSaysSo(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	alice.post("/ui/basket/add", "category", "books", "code", "a", "qty", "2", "back", "/ui/?q=book").mustLeadTo("/ui/?q=book#p-books-a")
	alice.get("/ui/?q=book").must(http.StatusOK, `role="status"`, "Added Book A to your basket.", "2 in basket")
	alice.get("/ui/?q=book").must(http.StatusOK).mustNotSay("Added Book A") // it is said once
	alice.add("books", "a", "1")
	alice.get("/ui/").must(http.StatusOK, "You have 3 of Book A in your basket.")
}

func TestAddingNeverLeadsElsewhere(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	for _, back := range []string{"https://evil.example/ui/", "//evil.example/ui/", `/\evil.example`, "javascript:alert(1)", "/oauth2/logout", "/ui/../x", "", "\x7f"} {
		alice.post("/ui/basket/add", "category", "books", "code", "a", "qty", "1", "back", back).mustLeadTo("/ui/#p-books-a")
	}
}

func TestAddingChecksTheQuantityAndTheProduct(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	for _, qty := range []string{"", "0", "-1", "1.5", "1e3", "many", "1000001", "99999999999999999999"} {
		alice.post("/ui/basket/add", "category", "books", "code", "a", "qty", qty).mustLeadTo("/ui/")
		alice.get("/ui/").must(http.StatusOK, `role="alert"`, "Nothing was added")
	}
	alice.post("/ui/basket/add", "category", "books", "code", "unknown", "qty", "1").must(http.StatusNotFound, "There is nothing here", traceID)
}

func TestShopWithoutTheInventory(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	w.stockFail.Store(fault.Retryable(3*time.Second, "The inventory is away."))
	p := alice.get("/ui/").must(http.StatusServiceUnavailable, "We cannot answer right now", "Try again", traceID)
	if p.header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After is %q", p.header.Get("Retry-After"))
	}
	alice.post("/ui/basket/add", "category", "books", "code", "a", "qty", "1").must(http.StatusServiceUnavailable, "We cannot answer right now")
}
