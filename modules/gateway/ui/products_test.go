package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"oms/platform/fault"
)

// productForm is the form that adds a product, with other values where they are named.
func productForm(changes ...string) []string {
	return with([]string{"name", "A mug", "category", "kitchen", "code", "mug", "price", "12.50", "currency", "EUR", "on_hand", "3"}, changes...)
}

func TestAProductIsAddedByWhoManagesTheStock(t *testing.T) {
	w := newWorld(t)
	stock := w.browser(t, "stock")
	stock.get("/ui/").must(http.StatusOK, `href="/ui/products/new"`)
	stock.get("/ui/products/new").must(http.StatusOK, "<h1>Add a product</h1>", `<option value="books">`, `name="currency" value="USD"`)
	added := stock.post("/ui/products", productForm("name", "  A mug ", "currency", "eur")...)
	added.mustLeadTo("/ui/?category=kitchen")
	stock.get(added.location).must(http.StatusOK, "A mug is in the shop now.", "€12.50", "3 left")
	again := stock.post("/ui/products", productForm("name", "Another", "on_hand", "9")...)
	again.must(http.StatusUnprocessableEntity, "Code is that of a product that is there already in this category.", `value="Another"`)
	stock.get("/ui/?category=kitchen").must(http.StatusOK, "A mug", "3 left").mustNotSay("Another")
}

func TestWhatIsWrongWithAProductIsSaidAtItsField(t *testing.T) {
	w := newWorld(t)
	stock := w.browser(t, "stock")
	stock.post("/ui/products", "name", " ", "category", strings.Repeat("c", 65), "code", "", "price", "12,50", "currency", "EURO", "on_hand", "1.5").must(http.StatusUnprocessableEntity,
		"Name must be 1 to 200 characters", "Category must be 1 to 64", "Code must be 1 to 64", "Price is not an amount: ", "Currency must be three capital letters",
		"Number on hand must be a whole number.", `<a href="#price">`, `value="12,50"`)
	stock.post("/ui/products", productForm("on_hand", "-1", "price", "0.001")...).must(http.StatusUnprocessableEntity, "Number on hand must be a whole number from 0", "EUR has 2 decimal places")
	stock.post("/ui/products", productForm("name", script)...).mustLeadTo("/ui/?category=kitchen")
	stock.get("/ui/?category=kitchen").must(http.StatusOK, "alert").mustNotSay(script)
	stock.post("/ui/products", productForm("colour", "red")...).must(http.StatusBadRequest)
	w.stockFail.Store(fault.Retryable(1, "away"))
	stock.post("/ui/products", productForm("code", "other")...).must(http.StatusServiceUnavailable, "We cannot answer right now")
}

func TestNobodyElseAddsProducts(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	alice.get("/ui/").must(http.StatusOK).mustNotSay("/ui/products/new")
	alice.get("/ui/products/new").must(http.StatusForbidden)
	alice.post("/ui/products", productForm()...).must(http.StatusForbidden)
	w.browser(t, "").get("/ui/products/new").mustLeadTo("/oauth2/sign-in?next=%2Fui%2Fproducts%2Fnew")
	w.browser(t, "ended").post("/ui/products", productForm()...).mustLeadTo("/oauth2/sign-in?ended=1&next=%2Fui%2Fproducts%2Fnew")
	stock := w.browser(t, "stock")
	r := stock.request(http.MethodPost, "/ui/products", "name=x")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	stock.send(r).must(http.StatusForbidden)
	stock.get("/ui/?q=mug").must(http.StatusOK, "Nothing found")
}
