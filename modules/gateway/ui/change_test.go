package ui_test

import (
	"net/http"
	"testing"
	"time"

	"oms/platform/fault"
)

func TestEditChangesAnOrder(t *testing.T) {
	w := newWorld(t)
	id := w.browser(t, "alice").place("books", "a", "2")
	admin := w.browser(t, "admin")
	form := admin.get("/ui/orders/"+id+"/edit").must(http.StatusOK, "Change order", "Book A", "Add a product", "Machine · In stock").form()

	added := admin.post("/ui/orders/"+id+"/edit", append(form, "product", "electronics/m", "action", "add")...).must(http.StatusOK, "Machine").form()
	if field(added, "code.1") != "m" || field(added, "qty.1") != "1" {
		t.Fatalf("after adding a product the form is %q", added)
	}
	removed := admin.post("/ui/orders/"+id+"/edit", with(added, "action", "remove.0")...).must(http.StatusOK).form()
	if field(removed, "code.0") != "m" {
		t.Fatalf("after removing a line the form is %q", removed)
	}

	admin.post("/ui/orders/"+id+"/edit", with(with(added, "name", "Changed"), "qty.0", "1")...).mustLeadTo("/ui/orders/" + id)
	admin.get("/ui/orders/"+id).must(http.StatusOK, "The order is changed", "<h1>Changed</h1>", "Machine")
	w.mustBeAvailable(t, "a", 9)
}

func TestEditSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	id := w.browser(t, "alice").place("books", "a", "2")
	admin := w.browser(t, "admin")
	form := admin.get("/ui/orders/" + id + "/edit").form()
	edit := func(form []string) page { return admin.post("/ui/orders/"+id+"/edit", form...) }

	edit(with(with(form, "name", ""), "qty.0", "x")).must(http.StatusUnprocessableEntity, `<a href="#name">`, `<a href="#qty-0">`, `value="x"`)
	edit([]string{"name", "Nothing in it"}).must(http.StatusUnprocessableEntity, `<a href="#lines">`, "must have 1 to 100 items")

	short := edit(with(form, "qty.0", "50")).must(http.StatusConflict, "There is not enough in stock", "only 10 left of 50", "Adjust to what is available")
	adjusted := edit(with(short.form(), "action", "adjust")).must(http.StatusOK)
	if got := field(adjusted.form(), "qty.0"); got != "10" {
		t.Errorf("the quantity is adjusted to %q, want 10: the order holds some of them itself", got)
	}
	w.mustBeAvailable(t, "a", 8)
}

func TestEditWhileTheStockIsAway(t *testing.T) {
	w := newWorld(t)
	id := w.browser(t, "alice").place("books", "a", "2")
	admin := w.browser(t, "admin")
	form := admin.get("/ui/orders/" + id + "/edit").form()
	w.reserveFail.Store(fault.Retryable(time.Second, "The inventory is away."))
	admin.post("/ui/orders/"+id+"/edit", with(form, "qty.0", "3")...).must(http.StatusServiceUnavailable,
		"The change is not made yet", `action="/ui/orders/`+id+`/edit"`, `name="qty.0" value="3"`, traceID)
	admin.post("/ui/orders/"+id+"/edit", with(form, "qty.0", "4")...).must(http.StatusConflict, "Another change is under way", "See the order")
}

func TestCancelAsksFirst(t *testing.T) {
	w := newWorld(t)
	id := w.browser(t, "alice").place("books", "a", "2")
	admin := w.browser(t, "admin")
	admin.get("/ui/orders/"+id+"/cancel").must(http.StatusOK, "Cancel this order?", "with 2 items", "placed by alice", "Keep it")
	w.mustBeAvailable(t, "a", 8)
	for range 2 { // twice is the same as once
		admin.post("/ui/orders/" + id + "/cancel").mustLeadTo("/ui/orders/" + id)
	}
	admin.get("/ui/orders/"+id).must(http.StatusOK, "The order is cancelled", "Cancelled").mustNotSay(">Change<")
	w.mustBeAvailable(t, "a", 10)
}

func TestCancelWithAnUnclearEnd(t *testing.T) {
	w := newWorld(t)
	id := w.browser(t, "alice").place("books", "a", "2")
	admin := w.browser(t, "admin")
	w.ordersFail.Store(fault.New(fault.DeadlineExceeded, "too late"))
	admin.post("/ui/orders/"+id+"/cancel").must(http.StatusServiceUnavailable, "The order is not cancelled yet", "Try again", traceID)
}

func TestChangingTakesTheRight(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	id := alice.place("books", "a", "2")
	alice.get("/ui/orders/"+id+"/edit").must(http.StatusForbidden, "You may not do this")
	alice.get("/ui/orders/"+id+"/cancel").must(http.StatusForbidden, "You may not do this")
	alice.post("/ui/orders/"+id+"/edit", "name", "x", "category.0", "books", "code.0", "a", "qty.0", "1").must(http.StatusForbidden, "You may not do this")
	alice.post("/ui/orders/"+id+"/cancel").must(http.StatusForbidden, "You may not do this", traceID)
	w.mustBeAvailable(t, "a", 8)
	w.browser(t, "admin").get("/ui/orders/unknown/edit").must(http.StatusNotFound)
}
