package ui_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"oms/modules/order"
	"oms/platform/fault"
	"oms/platform/identity"
)

func TestOrdersAreOnesOwn(t *testing.T) {
	w := newWorld(t)
	alice, bob, admin := w.browser(t, "alice"), w.browser(t, "bob"), w.browser(t, "admin")
	alice.get("/ui/orders").must(http.StatusOK, "No orders yet", "Go to the shop")
	id := alice.place("books", "a", "2")
	alice.get("/ui/orders").must(http.StatusOK, "My orders", `href="/ui/orders/`+id+`"`, "Order of 22 November", "Confirmed", "<time datetime=").mustNotSay("Owner")
	bob.get("/ui/orders").must(http.StatusOK, "No orders yet")
	admin.get("/ui/orders").must(http.StatusOK, "All orders", `data-label="Owner">alice`)
}

func TestOrdersArePaged(t *testing.T) {
	w := newWorld(t)
	asAlice := identity.With(t.Context(), identity.Principal{Subject: "alice", Scopes: rights["alice"]})
	for i := range 21 {
		if _, err := w.orders.Create(asAlice, order.CreateRequest{Name: fmt.Sprintf("Number %d.", i), Items: []order.Item{{Category: "electronics", Code: "m", Qty: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	alice := w.browser(t, "alice")
	newest := alice.get("/ui/orders").must(http.StatusOK, "Number 20.", "Number 1.", "Older").mustNotSay("Number 0.", "Newest")
	older := regexp.MustCompile(`href="(/ui/orders\?after=[^"]+)"`).FindStringSubmatch(newest.body)
	alice.get(older[1]).must(http.StatusOK, "Number 0.", "Newest").mustNotSay("Number 1.", "Older")
	alice.get("/ui/orders?after=nonsense").must(http.StatusBadRequest, "That request does not make sense")
}

func TestOrderShowsAllToItsOwner(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	id := alice.place("books", "a", "2")
	alice.get("/ui/orders/"+id).must(http.StatusOK, "Confirmed", "Book A", "books/a", "Version", "Placed",
		"https://localhost:9090/order/"+id).mustNotSay("Owner", "Cancel order", ">Change<")
	w.browser(t, "admin").get("/ui/orders/"+id).must(http.StatusOK, "Owner", "alice", "Cancel order", ">Change<")
	w.browser(t, "bob").get("/ui/orders/"+id).must(http.StatusOK, "somebody else’s order", "Book A").mustNotSay("Confirmed", "Version", "alice")
	alice.get("/ui/orders/unknown").must(http.StatusNotFound, "There is nothing here", traceID)
}

func TestOrderWithoutTheInventory(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	id := alice.place("books", "a", "2")
	alice.get("/ui/orders/" + id) // takes the notice
	w.stockFail.Store(fault.Retryable(time.Second, "The inventory is away."))
	alice.get("/ui/orders/"+id).must(http.StatusOK, "books/a", "products are shown by their codes").mustNotSay("Book A")
}

func TestAnOrderThatIsRefusedIsInNoList(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	alice.add("books", "b", "3")
	alice.post("/ui/orders", alice.get("/ui/basket").form()...).must(http.StatusConflict)
	alice.get("/ui/orders").must(http.StatusOK, "No orders yet")
	w.browser(t, "admin").get("/ui/orders").must(http.StatusOK, "No orders yet")
}

func TestOrderThatIsNotConfirmed(t *testing.T) {
	w := newWorld(t)
	alice, admin := w.browser(t, "alice"), w.browser(t, "admin")
	id := alice.place("books", "a", "3")
	admin.post("/ui/orders/" + id + "/cancel").must(http.StatusSeeOther)
	alice.get("/ui/orders").must(http.StatusOK, "Cancelled")
	admin.get("/ui/orders/"+id).must(http.StatusOK, "its items are back in stock").mustNotSay("Cancel order", ">Change<")
	admin.get("/ui/orders/"+id+"/edit").must(http.StatusConflict, "This order cannot be changed any more", "See the order")
	admin.get("/ui/orders/"+id+"/cancel").must(http.StatusConflict, "This order cannot be changed any more")
	admin.post("/ui/orders/"+id+"/edit", "name", "Changed", "category.0", "books", "code.0", "a", "qty.0", "1").must(http.StatusConflict, "This order cannot be changed any more")
	admin.post("/ui/orders/" + id + "/cancel").must(http.StatusSeeOther) // twice is once
}
