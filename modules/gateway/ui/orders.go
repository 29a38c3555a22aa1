package ui

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/fault"
	"oms/platform/shell"
	"oms/web"
)

// ordersPage is the data of the page "orders".
type ordersPage struct {
	web.Frame
	order.Orders
	All   bool   // everybody's, with their owners
	After string // the page before this one ended there; "" is the newest
}

// Pieces is how much is in an order altogether.
func (ordersPage) Pieces(o order.Order) int64 { return pieces(o.Items) }

func (q *request) listOrders() error {
	after := q.r.URL.Query().Get("after")

	list, err := q.Orders.List(q.ctx(), order.ListRequest{After: after})
	if err != nil {
		return err
	}

	page := ordersPage{Frame: q.frame("My orders", "orders"), Orders: list, All: q.may(order.ViewOrders), After: after}
	if page.All {
		page.Title = "All orders"
	}
	if after != "" {
		page.Title += ", older"
	}
	return q.show(http.StatusOK, "orders", page)
}

func pieces(items []order.Item) (sum int64) {
	for _, item := range items {
		sum += item.Qty
	}
	return sum
}

// orderPage is the data of the page "order".
type orderPage struct {
	web.Frame
	Order                order.Order
	Pieces               int64
	Away                 bool // the inventory is: items are shown by their codes
	ShowOwner            bool
	MayUpdate, MayCancel bool
	Curl                 string
	catalogue            catalogue
}

// NameOf is the name of an item's product, else its code.
func (p orderPage) NameOf(item order.Item) string { return p.catalogue.name(item.Category, item.Code) }

func (q *request) showOrder() error {
	found, err := q.Orders.Get(q.ctx(), order.GetRequest{ID: q.r.PathValue("id")})
	if err != nil {
		return err
	}
	known, err := q.products()
	if err != nil {
		return err
	}

	open := found.Status == order.StatusConfirmed
	page := orderPage{
		Frame: q.frame(found.Name, "orders"), Order: found, Pieces: pieces(found.Items), Away: known == nil, catalogue: known,
		ShowOwner: q.may(order.ViewOrders),
		MayUpdate: open && q.may(order.UpdateOrder), MayCancel: open && q.may(order.CancelOrder), Curl: q.curl(found.ID),
	}
	page.Title = found.Name + " (" + found.ID + ")"
	return q.show(http.StatusOK, "order", page)
}

// curl is the line that reads the order.
func (q *request) curl(id string) string {
	return "curl --cacert data/pki/root.pem \\\n-H \"Authorization: Bearer $TOKEN\" \\\n" + shell.Quote(q.PublicURL+"/order/"+id)
}

// editPage is the data of the page "edit".
type editPage struct {
	linesForm
	ID       string
	Products []inventory.Product // that can be added
}

func (q *request) showEdit() error {
	found, err := q.changeable(order.UpdateOrder)
	if err != nil {
		return err
	}
	var lines []line
	for _, item := range found.Items {
		lines = append(lines, line{Category: item.Category, Code: item.Code, Qty: strconv.FormatInt(item.Qty, 10)})
	}
	return q.editPage(http.StatusOK, form{values: map[string]string{"name": found.Name}, lines: lines}, problems{}, nil)
}

// changeable is the order of the path, if the user has the right and it is confirmed. The order module judges again.
func (q *request) changeable(right string) (order.Order, error) {
	if !q.may(right) {
		return order.Order{}, fault.New(fault.PermissionDenied, "It takes %s.", right)
	}
	found, err := q.Orders.Get(q.ctx(), order.GetRequest{ID: q.r.PathValue("id")})
	if err == nil && found.Status != "" && found.Status != order.StatusConfirmed {
		err = fault.Conflicting(order.IllegalTransition, "The order is %s.", found.Status)
	}
	return found, err
}

// editPage shows the form of an order, with what is wrong with it.
func (q *request) editPage(status int, sent form, wrong problems, short map[int]shortage) error {
	known, err := q.products()
	if err != nil {
		return err
	}
	id := q.r.PathValue("id")
	title := "Change order " + id
	if status != http.StatusOK {
		title = "Problem with your change of order " + id
	}
	return q.show(status, "edit", editPage{known.linesForm(q.frame(title, "orders"), sent, wrong, short), id, known.others(sent.lines)})
}

// others are the products that are not among the lines.
func (c catalogue) others(lines []line) []inventory.Product {
	others := slices.DeleteFunc(slices.Collect(maps.Values(c)), func(p inventory.Product) bool {
		return slices.ContainsFunc(lines, func(l line) bool { return l.Category == p.Category && l.Code == p.Code })
	})
	slices.SortFunc(others, func(a, b inventory.Product) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Code, b.Code))
	})
	return others
}

// withProduct adds a line of the product that was chosen among [catalogue.others].
func withProduct(lines []line, chosen string) []line {
	category, code, _ := strings.Cut(chosen, "/")
	category, errCategory := url.QueryUnescape(category)
	code, errCode := url.QueryUnescape(code)
	if errCategory != nil || errCode != nil || code == "" || len(lines) >= maxLines {
		return lines
	}
	return append(lines, line{Category: category, Code: code, Qty: "1"})
}

func (q *request) edit() error {
	sent, err := q.decode("name", "action", "product")
	if err != nil {
		return err
	}

	action, argument, _ := strings.Cut(sent.values["action"], ".")
	switch action {
	case "remove":
		sent.lines = without(sent.lines, argument)
		return q.editPage(http.StatusOK, sent, problems{}, nil)
	case "adjust":
		sent.lines = adjusted(sent.lines)
		return q.editPage(http.StatusOK, sent, problems{}, nil)
	case "add":
		sent.lines = withProduct(sent.lines, sent.values["product"])
		return q.editPage(http.StatusOK, sent, problems{}, nil)
	}
	request := order.UpdateRequest{ID: q.r.PathValue("id"), Name: strings.TrimSpace(sent.values["name"])}
	var wrong problems
	request.Items, wrong = items(sent.lines)
	if wrong.checkName(request.Name); len(wrong) > 0 {
		return q.editPage(http.StatusUnprocessableEntity, sent, wrong, nil)
	}

	_, err = q.Orders.Update(q.ctx(), request)

	failure := fault.From(err)
	switch {
	case failure == nil:
		return q.redirect(orderPath(request.ID), web.Notice{Text: "The order is changed, and everything in it is reserved."})
	case failure.Code == fault.InvalidArgument, failure.Type == order.OutOfStock.Name:
		wrong, short := refused(failure)
		return q.editPage(failure.Code.Status(), sent, wrong, short)
	}
	return q.unclear(failure, pendingPage{
		Frame: web.Frame{Title: "The change is not made yet", Section: "orders"}, Action: orderPath(request.ID) + "/edit",
		Text:    "We did not get an answer in time. Until there is one, the order stays as it was. Press the button to ask again: it sends the very same change.",
		Waiting: "Saving…", Fields: repeated(sent, "name"),
	})
}

// cancelPage is the data of the page "cancel".
type cancelPage struct {
	web.Frame
	Order  order.Order
	Pieces int64
}

func (q *request) askCancel() error {
	found, err := q.changeable(order.CancelOrder)
	if err != nil {
		return err
	}
	return q.show(http.StatusOK, "cancel", cancelPage{q.frame("Cancel order "+found.ID, "orders"), found, pieces(found.Items)})
}

func (q *request) cancel() error {
	if _, err := q.decode(); err != nil {
		return err
	}

	id := q.r.PathValue("id")

	_, err := q.Orders.Cancel(q.ctx(), order.CancelRequest{ID: id})

	if err != nil {
		return q.unclear(fault.From(err), pendingPage{
			Frame: web.Frame{Title: "The order is not cancelled yet", Section: "orders"}, Action: orderPath(id) + "/cancel",
			Text:    "We did not get an answer in time. Press the button to ask again: cancelling an order twice is the same as once.",
			Waiting: "Cancelling…",
		})
	}
	to := orderPath(id)
	if !q.may(order.ViewOrders) {
		to = "/ui/orders" // a cancelled order is its owner's to see
	}
	return q.redirect(to, web.Notice{Text: "The order is cancelled, and its items are back in stock."})
}
