package ui

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/web"
)

// basketPage is the data of the page "basket".
type basketPage struct {
	web.Frame
	Key      string // the idempotency key of the order that it will be
	Name     string // of the order
	Lines    []lineView
	Total    string
	Problems []problemLink
	Wrong    problems
	Short    bool // something is out of stock
	Away     bool // the inventory is: names, prices and stock are not known
	MayOrder bool
	TraceID  string
}

func (q *request) showBasket() error {
	return q.basketPage(http.StatusOK, q.basket.lines(), cmp.Or(q.basket.Name, q.suggestedName()), problems{}, nil)
}

// basketPage shows the basket, or a form that was sent with what is wrong with it.
func (q *request) basketPage(status int, lines []line, name string, wrong problems, short map[int]shortage) error {
	known, err := q.products()
	if err != nil {
		return err
	}
	views, total := known.linesView(lines, wrong, short)
	title := "Basket"
	if status != http.StatusOK {
		title = "Problem with your basket"
	}
	return q.show(status, "basket", basketPage{
		Frame: q.frame(title, "basket"), Key: q.basket.Key, Name: name, Lines: views, Total: total,
		Problems: summary(views, wrong, short), Wrong: wrong, Short: len(short) > 0, Away: known == nil && len(lines) > 0,
		MayOrder: q.may(order.AddOrder), TraceID: q.trace(),
	})
}

// suggestedName is what an order is called if nobody thinks of something better.
func (q *request) suggestedName() string { return "Order of " + q.Now().Format("2 January") }

// lines are the basket's lines as a form shows them.
func (b basket) lines() (lines []line) {
	for _, l := range b.Lines {
		lines = append(lines, line{Category: l.Category, Code: l.Code, Qty: strconv.FormatInt(l.Qty, 10)})
	}
	return lines
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
	read, wrong := items(dropZero(lines))
	if len(wrong) > 0 {
		return q.basketPage(http.StatusUnprocessableEntity, lines, sent.values["name"], wrong, nil)
	}

	q.basket.fill(read)
	q.basket.Name = strings.TrimSpace(sent.values["name"])
	if err := q.basket.write(q.w); err != nil {
		return err
	}
	return q.leave("/ui/basket", web.Notice{Text: text})
}

// dropZero leaves out lines of which nothing is wanted any more.
func dropZero(lines []line) (kept []line) {
	for _, l := range lines {
		if strings.TrimSpace(l.Qty) != "0" {
			kept = append(kept, l)
		}
	}
	return kept
}

// fill replaces the lines; those of the same product are added up.
func (b *basket) fill(with []order.Item) {
	b.Lines = nil
	for _, item := range with {
		b.add(item.Category, item.Code, item.Qty)
	}
}
