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
	"oms/web"
)

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
		err = fault.Conflicting("illegal-transition", "The order is %s.", found.Status)
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
		return q.leave(orderPath(request.ID), web.Notice{Text: "The order is changed, and everything in it is reserved."})
	case failure.Code == fault.InvalidArgument, failure.Type == "out-of-stock":
		wrong, short := refused(failure)
		return q.editPage(failure.Code.Status(), sent, wrong, short)
	}
	return q.unclear(failure, pendingPage{
		Frame: web.Frame{Title: "The change is not made yet", Section: "orders"}, Action: orderPath(request.ID) + "/edit",
		Text:    "We did not get an answer in time. Until there is one, the order stays as it was. Press the button to ask again: it sends the very same change.",
		Waiting: "Saving…", Fields: repeated(sent, "name"),
	})
}
