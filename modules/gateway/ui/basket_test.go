package ui_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"oms/platform/fault"
)

func TestBasketIsEmptyAtFirst(t *testing.T) {
	newWorld(t).browser(t, "alice").get("/ui/basket").must(http.StatusOK, "Your basket is empty", "Go to the shop")
}

func TestBasketShowsLinesAndTotal(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	alice.add("books", "a", "2")
	alice.add("electronics", "m", "1")
	alice.get("/ui/basket").must(http.StatusOK, "Book A", "$15.39 each", "$30.78", "Machine", "$1,279.78",
		`value="Order of 22 November"`, `<label class="unseen" for="qty-0">Quantity of Book A</label>`)
}

func TestBasketChanges(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	alice.add("books", "a", "2")
	alice.add("electronics", "m", "1")
	form := alice.get("/ui/basket").form()

	alice.post("/ui/basket", with(with(form, "qty.0", "5"), "action", "update")...).mustLeadTo("/ui/basket")
	alice.get("/ui/basket").must(http.StatusOK, "Your basket is up to date.", "$76.95")

	alice.post("/ui/basket", with(with(form, "qty.0", "0"), "action", "update")...).mustLeadTo("/ui/basket")
	alice.get("/ui/basket").must(http.StatusOK, "Machine").mustNotSay("Book A")

	alice.post("/ui/basket", with(form, "action", "remove.1")...).mustLeadTo("/ui/basket")
	alice.get("/ui/basket").must(http.StatusOK, "Removed from your basket.", "Book A").mustNotSay("Machine")
}

// A form shows the basket as it was. What another page adds before it is sent is not lost with it.
func TestBasketKeepsWhatWasAddedSinceTheFormWasMade(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	both := func() { alice.get("/ui/basket").must(http.StatusOK, "Book A", "Machine") }
	alice.add("books", "a", "2")
	form := alice.get("/ui/basket").form()
	alice.add("electronics", "m", "1")

	alice.post("/ui/basket", with(with(form, "qty.0", "3"), "action", "update")...).mustLeadTo("/ui/basket")
	both()
	alice.post("/ui/orders", with(form, "name", "")...).must(http.StatusUnprocessableEntity)
	both()
	alice.post("/ui/orders", with(form, "qty.0", "50")...).must(http.StatusConflict)
	both()
	alice.post("/ui/basket", with(form, "action", "remove.0")...).mustLeadTo("/ui/basket")
	alice.get("/ui/basket").must(http.StatusOK, "Machine").mustNotSay("Book A")

	alice.add("books", "a", "2")
	form = alice.get("/ui/basket").form()
	alice.add("books", "b", "1")
	alice.post("/ui/orders", form...).must(http.StatusSeeOther)
	alice.get("/ui/basket").must(http.StatusOK, "Book B").mustNotSay("Book A", "Machine")
}

func TestBasketKeepsWhatWasTypedAndSaysWhatIsWrong(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	alice.add("books", "a", "2")
	form := alice.get("/ui/basket").form()
	alice.post("/ui/basket", with(with(form, "qty.0", "many"), "action", "update")...).must(http.StatusUnprocessableEntity,
		`<a href="#qty-0">The quantity of Book A must be a whole number from 1 to 1,000,000.</a>`,
		`id="qty-0" name="qty.0" value="many"`, `aria-invalid="true" aria-describedby="error-0"`, `id="error-0"`)
}

func TestBasketIsOfOneUser(t *testing.T) {
	w := newWorld(t)
	browser := w.browser(t, "alice")
	browser.add("books", "a", "2")
	browser.as = "bob" // the same browser, somebody else
	browser.get("/ui/basket").must(http.StatusOK, "Your basket is empty")
}

func TestBasketCookieIsForThisSiteAlone(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	p := alice.post("/ui/basket/add", "category", "books", "code", "a", "qty", "2")
	cookies := (&http.Response{Header: p.header}).Cookies()
	if len(cookies) != 2 {
		t.Fatalf("got the cookies %v, want basket and notice", cookies)
	}
	for _, c := range cookies {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("the cookie %s is %+v", c.Name, c)
		}
	}
}

func TestBasketThatCannotBeReadIsEmpty(t *testing.T) {
	w := newWorld(t)
	b64 := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	key := strings.Repeat("a", 26)
	for name, value := range map[string]string{
		"not base64":        "%%%",
		"not JSON":          b64("{"),
		"another shape":     b64(`[1]`),
		"no key":            b64(`{"s":"alice","l":[{"c":"books","p":"a","q":1}]}`),
		"a key that is not": b64(`{"s":"alice","k":"x y","l":[{"c":"books","p":"a","q":1}]}`),
		"nothing of it":     b64(`{"s":"alice","k":"` + key + `","l":[{"c":"books","p":"a","q":0}]}`),
		"twice the same":    b64(`{"s":"alice","k":"` + key + `","l":[{"c":"books","p":"a","q":1},{"c":"books","p":"a","q":1}]}`),
		"too long":          strings.Repeat("a", 3600),
	} {
		t.Run(name, func(t *testing.T) {
			alice := w.browser(t, "alice")
			address, _ := url.Parse(w.server.URL)
			alice.http.Jar.SetCookies(address, []*http.Cookie{{Name: "__Host-basket", Value: value, Path: "/", Secure: true}})
			alice.get("/ui/basket").must(http.StatusOK, "Your basket is empty")
			alice.add("books", "a", "1")
		})
	}
}

func TestBasketHasAnEnd(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	alice.add("books", "a", "1")
	form := alice.get("/ui/basket").form()
	for i := 1; i < 90; i++ {
		form = append(form, fmt.Sprintf("category.%d", i), "books", fmt.Sprintf("code.%d", i), fmt.Sprintf("code-of-a-product-%d", i), fmt.Sprintf("qty.%d", i), "1")
	}
	alice.post("/ui/basket", with(form, "action", "update")...).must(http.StatusRequestEntityTooLarge, "That is too much at once", "Go to the basket")

	for i := 0; ; i++ { // fill it to its brim
		if i > 90 {
			t.Fatal("the basket never gets full")
		}
		if alice.post("/ui/basket", with(form[:4+6*i], "action", "update")...).status == http.StatusRequestEntityTooLarge {
			break
		}
	}
	alice.post("/ui/basket/add", "category", "electronics", "code", "m", "qty", "1").mustLeadTo("/ui/")
	alice.get("/ui/").must(http.StatusOK, `role="alert"`, "Your basket is full")
}

func TestBasketWithoutTheInventory(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	alice.add("books", "a", "2")
	w.stockFail.Store(fault.Retryable(time.Second, "The inventory is away."))
	alice.get("/ui/basket").must(http.StatusOK, "books/a", "The stock does not answer right now", "Your basket is safe").mustNotSay("$15.39", "Total")
}
