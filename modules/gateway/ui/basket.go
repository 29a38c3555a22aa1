package ui

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/fault"
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

	back := shopPath(sent.values["back"])
	qty, err := strconv.ParseInt(strings.TrimSpace(sent.values["qty"]), 10, 64)
	if err != nil || !qtyRule.AllowsNumber(qty) {
		return q.redirect(back, web.Notice{Text: "Nothing was added: the quantity must be " + wholeNumber() + ".", Wrong: true})
	}

	product, err := q.Inventory.Get(q.ctx(), inventory.GetRequest{Category: sent.values["category"], Code: sent.values["code"]})
	if err != nil {
		return err
	}

	now := q.basket.add(product.Category, product.Code, qty)
	if err := q.basket.write(q.w); err != nil {
		return q.redirect(back, web.Notice{Text: "Your basket is full. Place this order first, or remove something; then add more.", Wrong: true})
	}
	text := "Added " + product.Name + " to your basket."
	if now != qty {
		text = "Added. You have " + web.Count(now) + " of " + product.Name + " in your basket."
	}
	return q.redirect(back+"#"+anchor(product.Category, product.Code), web.Notice{Text: text})
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

	q.basket.replace(sent.lines, read)
	q.basket.Name = strings.TrimSpace(sent.values["name"])
	if err := q.basket.write(q.w); err != nil {
		return err
	}
	return q.redirect("/ui/basket", web.Notice{Text: text})
}

// replace puts what became of a form's lines in their place; those of the same product are added up.
func (b *basket) replace(sent []line, by []order.Item) {
	since := b.without(sent)
	b.fill(by)
	b.Lines = append(b.Lines, since...)
}

// without are the lines of products that a form does not have: another page has added them since the form was made.
func (b *basket) without(sent []line) (since []basketLine) {
	for _, l := range b.Lines {
		if !slices.ContainsFunc(sent, func(s line) bool { return s.Category == l.Category && s.Code == l.Code }) {
			since = append(since, l)
		}
	}
	return since
}

// fill replaces all lines; those of the same product are added up.
func (b *basket) fill(with []order.Item) {
	b.Lines = nil
	for _, item := range with {
		b.add(item.Category, item.Code, item.Qty)
	}
}

func (q *request) place() error {
	sent, err := q.decode("idempotency_key", "name", "action")
	if err != nil {
		return err
	}

	request := order.CreateRequest{Name: strings.TrimSpace(sent.values["name"]), IdempotencyKey: sent.values["idempotency_key"]}
	if !isKey(request.IdempotencyKey) {
		return fault.New(fault.Malformed, "The form has no idempotency key of ours.")
	}
	var wrong problems
	request.Items, wrong = items(sent.lines)
	if wrong.checkName(request.Name); len(wrong) > 0 {
		return q.placeAgain(http.StatusUnprocessableEntity, sent, wrong, nil)
	}

	created, err := q.Orders.Create(q.ctx(), request)

	failure := fault.From(err)
	switch {
	case failure == nil:
		return q.placed(created, request.IdempotencyKey, sent)
	case failure.Type == order.OrderExists.Name, slices.ContainsFunc(failure.Fields, func(f fault.Field) bool { return f.Header == order.KeyHeader }):
		return q.alreadySent(failure)
	case failure.Code == fault.InvalidArgument, failure.Type == order.OutOfStock.Name:
		wrong, short := refused(failure)
		return q.placeAgain(failure.Code.Status(), sent, wrong, short)
	}
	q.basket.fill(request.Items) // whoever comes back to the basket sends the very same order too
	q.basket.Name = request.Name
	if err := q.basket.write(q.w); err != nil {
		return err
	}
	return q.unclear(failure, pendingPage{
		Frame: web.Frame{Title: "Your order is not placed yet", Section: "basket"}, Action: "/ui/orders",
		Text:    "We did not get an answer in time. Press the button to ask again: it sends the very same order, and however often you press it, it is placed once.",
		Waiting: "Placing…", Fields: repeated(sent, "idempotency_key", "name"),
	})
}

// placed empties the basket of what was sent, unless a new one was begun since the form was made.
func (q *request) placed(created order.Created, key string, sent form) error {
	if q.basket.Key == key {
		q.basket = basket{Subject: q.basket.Subject, Key: newKey(), Lines: q.basket.without(sent.lines)}
		if err := q.basket.write(q.w); err != nil {
			return err
		}
	}
	return q.redirect(orderPath(created.ID), web.Notice{Text: "Your order is placed."})
}

// placeAgain shows the form with what is wrong with it. It gets a new key: the answer to the old one is definite.
func (q *request) placeAgain(status int, sent form, wrong problems, short map[int]shortage) error {
	q.basket.Key = newKey()
	if read, broken := items(sent.lines); len(broken) == 0 {
		q.basket.replace(sent.lines, read)
	}
	q.basket.Name = strings.TrimSpace(sent.values["name"])
	if err := q.basket.write(q.w); err != nil {
		return err
	}
	return q.basketPage(status, sent, wrong, short)
}

// sentPage is the data of the page "sent".
type sentPage struct {
	web.Frame
	TraceID string
}

// alreadySent explains that the basket has become an order before. The next one is another order.
func (q *request) alreadySent(failure *fault.Error) error {
	q.basket.Key = newKey()
	if err := q.basket.write(q.w); err != nil {
		return err
	}
	return q.show(failure.Code.Status(), "sent", sentPage{q.frame("This basket was already sent", "basket"), q.trace()})
}

// pendingPage is the data of the page "pending": the answer is not known, and the very same form can be sent again.
type pendingPage struct {
	web.Frame
	Text, Action, Waiting string
	Fields                []field
	Seconds               int64 // until trying again makes sense
	TraceID               string
}

// field is a hidden field.
type field struct{ Name, Value string }

// repeated are the fields of a form that was sent: the named ones and the lines.
func repeated(sent form, names ...string) (fields []field) {
	for _, name := range names {
		fields = append(fields, field{name, sent.values[name]})
	}
	for i, l := range sent.lines {
		fields = append(fields, field{fieldName("category", i), l.Category}, field{fieldName("code", i), l.Code}, field{fieldName("qty", i), l.Qty})
	}
	return fields
}

// unclear answers where it is not known what became of a request. What was refused for good is told as it is.
func (q *request) unclear(failure *fault.Error, page pendingPage) error {
	status := http.StatusServiceUnavailable
	switch failure.Code {
	case fault.Unavailable, fault.DeadlineExceeded, fault.Canceled:
	case fault.Internal:
		status = http.StatusInternalServerError
	default:
		return failure
	}
	q.Log.WarnContext(q.ctx(), "a request is unclear", "trace_id", q.trace(), "cause", failure)
	page.Seconds, page.TraceID = q.retryAfter(failure), q.trace()
	page.Frame = q.frame(page.Title, page.Section)
	return q.show(status, "pending", page)
}
