package ui

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/web"
)

// basketPage is the data of the page "basket".
type basketPage struct {
	linesForm
	Key      string // the idempotency key of the order that it will be
	MayOrder bool
}

func (q *request) showBasket() error {
	var sent form
	for _, l := range q.basket.Lines {
		sent.lines = append(sent.lines, line{Category: l.Category, Code: l.Code, Qty: strconv.FormatInt(l.Qty, 10)})
	}
	sent.values = map[string]string{"name": cmp.Or(q.basket.Name, "Order of "+q.Now().Format("2 January"))}
	return q.basketPage(http.StatusOK, sent, problems{}, nil)
}

// basketPage shows the basket, or a form that was sent with what is wrong with it.
func (q *request) basketPage(status int, sent form, wrong problems, short map[int]shortage) error {
	known, err := q.products()
	if err != nil {
		return err
	}
	title := "Basket"
	if status != http.StatusOK {
		title = "Problem with your basket"
	}
	return q.show(status, "basket", basketPage{known.linesForm(q.frame(title, "basket"), sent, wrong, short), q.basket.Key, q.may(order.AddOrder)})
}

func (q *request) addToBasket() error {
	sent, err := q.decode("category", "code", "qty", "back")
	if err != nil {
		return err
	}

	back := ours(sent.values["back"])
	qty, err := strconv.ParseInt(strings.TrimSpace(sent.values["qty"]), 10, 64)
	if err != nil || !qtyRule.AllowsNumber(qty) {
		return q.leave(back, web.Notice{Text: "Nothing was added: the quantity must be " + wholeNumber() + ".", Wrong: true})
	}

	product, err := q.Inventory.Get(q.ctx(), inventory.GetRequest{Category: sent.values["category"], Code: sent.values["code"]})
	if err != nil {
		return err
	}

	now := q.basket.add(product.Category, product.Code, qty)
	if err := q.basket.write(q.w); err != nil {
		return q.leave(back, web.Notice{Text: "Your basket is full. Place this order first, or remove something; then add more.", Wrong: true})
	}
	text := "Added " + product.Name + " to your basket."
	if now != qty {
		text = "Added. You have " + web.Count(now) + " of " + product.Name + " in your basket."
	}
	return q.leave(back+"#"+anchor(product.Category, product.Code), web.Notice{Text: text})
}

func (q *request) changeBasket() error {
	sent, err := q.decode("idempotency_key", "name", "action")
	if err != nil {
		return err
	}

	lines, text := sent.lines, "Your basket is up to date."
	action, argument, _ := strings.Cut(sent.values["action"], ".")
	switch action {
	case "remove":
		lines, text = without(lines, argument), "Removed from your basket."
	case "adjust":
		lines, text = adjusted(lines), "Your basket now has what is available."
	}
	unwanted := func(l line) bool { return strings.TrimSpace(l.Qty) == "0" }
	read, wrong := items(slices.DeleteFunc(slices.Clone(lines), unwanted))
	if len(wrong) > 0 {
		sent.lines = lines
		return q.basketPage(http.StatusUnprocessableEntity, sent, wrong, nil)
	}

	q.basket.fill(read)
	q.basket.Name = strings.TrimSpace(sent.values["name"])
	if err := q.basket.write(q.w); err != nil {
		return err
	}
	return q.leave("/ui/basket", web.Notice{Text: text})
}

// fill replaces the lines; those of the same product are added up.
func (b *basket) fill(with []order.Item) {
	b.Lines = nil
	for _, item := range with {
		b.add(item.Category, item.Code, item.Qty)
	}
}
