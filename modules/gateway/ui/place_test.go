package ui_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/fault"
)

func (w *world) mustBeAvailable(t *testing.T, code string, want int64) {
	t.Helper()
	list, err := w.stock.List(t.Context(), inventory.ListRequest{Category: "books", Query: code})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list.Data {
		if p.Code == code && p.Available != want {
			t.Errorf("%d of %s are available, want %d", p.Available, code, want)
		}
	}
}

func TestPlacingLeadsToTheOrderAndEmptiesTheBasket(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	alice.add("books", "a", "2")
	placed := alice.post("/ui/orders", with(alice.get("/ui/basket").form(), "name", "  A gift ")...)
	alice.get(placed.location).must(http.StatusOK, "Your order is placed.", "<h1>A gift</h1>", "Confirmed", "Everything in it is reserved.", "Book A")
	alice.get("/ui/basket").must(http.StatusOK, "Your basket is empty")
	w.mustBeAvailable(t, "a", 8)
}

func TestPlacingTwiceIsPlacingOnce(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	alice.add("books", "a", "2")
	form := alice.get("/ui/basket").form()
	first := alice.post("/ui/orders", form...).must(http.StatusSeeOther)
	for range 3 { // clicked again, reloaded, gone back to
		alice.post("/ui/orders", form...).mustLeadTo(first.location)
	}
	w.mustBeAvailable(t, "a", 8)
}

func TestPlacingLeavesANewerBasketAlone(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	alice.add("books", "a", "2")
	form := alice.get("/ui/basket").form()
	alice.post("/ui/orders", form...).must(http.StatusSeeOther)
	alice.add("electronics", "m", "1")
	alice.post("/ui/orders", form...).must(http.StatusSeeOther) // the old page, sent once more
	alice.get("/ui/basket").must(http.StatusOK, "Machine")
}

func TestABasketKeepsItsKeyUntilItIsAnswered(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	alice.add("books", "a", "2")
	first := field(alice.get("/ui/basket").form(), "idempotency_key")
	again := field(alice.get("/ui/basket").form(), "idempotency_key") // as after an answer that was lost on its way
	if first == "" || first != again {
		t.Errorf("the basket has the keys %q and %q", first, again)
	}
}

func TestABasketThatWasSentWithOtherContent(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	alice.add("books", "a", "2")
	form := alice.get("/ui/basket").form()
	alice.post("/ui/orders", form...).must(http.StatusSeeOther)
	alice.post("/ui/orders", with(form, "qty.0", "3")...).must(http.StatusUnprocessableEntity,
		"This basket was already sent", `href="/ui/orders"`, traceID)
	alice.add("books", "a", "3")
	if after := field(alice.get("/ui/basket").form(), "idempotency_key"); after == field(form, "idempotency_key") {
		t.Error("the next basket has the same key")
	}
}

func TestOutOfStockSaysWhatIsShortAndAdjusts(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	alice.add("books", "a", "2")
	alice.add("books", "b", "3")
	alice.add("books", "gone", "1")
	form := alice.get("/ui/basket").form()
	refused := alice.post("/ui/orders", form...).must(http.StatusConflict,
		`role="alert"`, "There is not enough in stock", `<a href="#qty-1">Book B: only 1 left of 3.</a>`, `<a href="#qty-2">Gone: sold out.</a>`,
		"Only 1 left of 3.", "Adjust to what is available", `name="available.1" value="1"`)
	adjusting := refused.form()
	if field(adjusting, "idempotency_key") == field(form, "idempotency_key") {
		t.Error("the form that was refused keeps its key")
	}

	alice.post("/ui/basket", with(adjusting, "action", "adjust")...).mustLeadTo("/ui/basket")
	adjusted := alice.get("/ui/basket").must(http.StatusOK, "Book A", "Book B").mustNotSay("Gone")
	alice.post("/ui/orders", adjusted.form()...).must(http.StatusSeeOther)
	w.mustBeAvailable(t, "b", 0)
	w.mustBeAvailable(t, "a", 8)
}

func TestPlacingSaysEverythingThatIsWrong(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	alice.add("books", "a", "2")
	form := alice.get("/ui/basket").form()
	alice.post("/ui/orders", with(with(form, "name", ""), "qty.0", "0")...).must(http.StatusUnprocessableEntity,
		`<a href="#name">`, `<a href="#qty-0">`, `aria-describedby="error-name"`, "Please check the form")
	alice.post("/ui/orders", with(form, "name", "control \x01 character")...).must(http.StatusUnprocessableEntity, `<a href="#name">`, "control character")
	alice.post("/ui/orders", with(form, "code.0", "unknown")...).must(http.StatusUnprocessableEntity, "we do not sell it any more")
	alice.post("/ui/orders", "idempotency_key", field(form, "idempotency_key"), "name", "Nothing").must(http.StatusUnprocessableEntity, "Your basket is empty")
}

func TestPlacingWhileTheStockIsAway(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	alice.add("books", "a", "2")
	form := with(alice.get("/ui/basket").form(), "name", "A gift")
	w.reserveFail.Store(fault.Retryable(time.Second, "The inventory is away."))
	pending := alice.post("/ui/orders", form...).must(http.StatusServiceUnavailable,
		"Your order is not placed yet", "Try again", `name="name" value="A gift"`, `name="qty.0" value="2"`, traceID,
		`name="idempotency_key" value="`+field(form, "idempotency_key")+`"`)
	if pending.header.Get("Retry-After") == "" {
		t.Error("the page does not tell programs when to come back")
	}
	w.reserveFail.Store(nil)
	alice.post("/ui/orders", form...).must(http.StatusSeeOther)
	w.mustBeAvailable(t, "a", 8)
}

func TestPlacingWithAnUnclearEnd(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	alice.add("books", "a", "2")
	form := alice.get("/ui/basket").form()
	for _, failure := range []*fault.Error{fault.New(fault.DeadlineExceeded, "too late"), fault.New(fault.Canceled, "gone")} {
		w.ordersFail.Store(failure)
		alice.post("/ui/orders", form...).must(http.StatusServiceUnavailable, "Your order is not placed yet", "Try again")
	}
	w.ordersFail.Store(fault.New(fault.Internal, "a defect that nobody shall read"))
	alice.post("/ui/orders", form...).must(http.StatusInternalServerError, "Your order is not placed yet", traceID).mustNotSay("defect")
	w.ordersFail.Store(fault.Conflicting(order.OrderExists, "taken"))
	alice.post("/ui/orders", form...).must(http.StatusConflict, "This basket was already sent")
	w.ordersFail.Store(fault.New(fault.RateLimited, "slow down"))
	alice.post("/ui/orders", form...).must(http.StatusTooManyRequests, "Slow down a little")
}

func TestPlacingTakesTheRight(t *testing.T) {
	nobody := newWorld(t).browser(t, "carol") // signed in, with no right at all
	nobody.get("/ui/").must(http.StatusOK, "Book A").mustNotSay("data-add")
	nobody.post("/ui/orders", "idempotency_key", strings.Repeat("a", 26), "name", "x", "category.0", "books", "code.0", "a", "qty.0", "1").
		must(http.StatusForbidden, "You may not do this", traceID)
}
