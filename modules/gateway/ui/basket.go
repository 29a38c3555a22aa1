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

func (v *visit) showBasket() error {
	return v.basketPage(http.StatusOK, v.basket.lines(), cmp.Or(v.basket.Name, v.suggestedName()), problems{}, nil)
}

// basketPage shows the basket, or a form that was sent with what is wrong with it.
func (v *visit) basketPage(status int, lines []line, name string, wrong problems, short map[int]shortage) error {
	known, err := v.products()
	if err != nil {
		return err
	}
	views, total := known.linesView(lines, wrong, short)
	title := "Basket"
	if status != http.StatusOK {
		title = "Problem with your basket"
	}
	return v.show(status, "basket", basketPage{
		Frame: v.frame(title, "basket"), Key: v.basket.Key, Name: name, Lines: views, Total: total,
		Problems: summary(views, wrong, short), Wrong: wrong, Short: len(short) > 0, Away: known == nil && len(lines) > 0,
		MayOrder: v.may(order.AddOrder), TraceID: v.trace(),
	})
}

// suggestedName is what an order is called if nobody thinks of something better.
func (v *visit) suggestedName() string { return "Order of " + v.Now().Format("2 January") }

// lines are the basket's lines as a form shows them.
func (b basket) lines() (lines []line) {
	for _, l := range b.Lines {
		lines = append(lines, line{Category: l.Category, Code: l.Code, Qty: strconv.FormatInt(l.Qty, 10)})
	}
	return lines
}

func (v *visit) addToBasket() error {
	sent, err := v.decode("category", "code", "qty", "back")
	if err != nil {
		return err
	}

	back := ours(sent.values["back"])
	qty, err := strconv.ParseInt(strings.TrimSpace(sent.values["qty"]), 10, 64)
	if err != nil || !qtyRule.AllowsNumber(qty) {
		return v.leave(back, web.Notice{Text: "Nothing was added: the quantity must be " + wholeNumber() + ".", Wrong: true})
	}

	product, err := v.Inventory.Get(v.ctx(), inventory.GetRequest{Category: sent.values["category"], Code: sent.values["code"]})
	if err != nil {
		return err
	}

	now := v.basket.add(product.Category, product.Code, qty)
	if err := v.basket.write(v.w); err != nil {
		return v.leave(back, web.Notice{Text: "Your basket is full. Place this order first, or remove something; then add more.", Wrong: true})
	}
	text := "Added " + product.Name + " to your basket."
	if now != qty {
		text = "Added. You have " + web.Count(now) + " of " + product.Name + " in your basket."
	}
	return v.leave(back+"#"+anchor(product.Category, product.Code), web.Notice{Text: text})
}

func (v *visit) changeBasket() error {
	sent, err := v.decode("idempotency_key", "name", "action")
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
		return v.basketPage(http.StatusUnprocessableEntity, lines, sent.values["name"], wrong, nil)
	}

	v.basket.fill(read)
	v.basket.Name = strings.TrimSpace(sent.values["name"])
	if err := v.basket.write(v.w); err != nil {
		return err
	}
	return v.leave("/ui/basket", web.Notice{Text: text})
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
