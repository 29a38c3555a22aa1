package ui

import (
	"net/http"
	"strconv"
	"strings"

	"oms/modules/inventory"
	"oms/platform/fault"
	"oms/platform/money"
	"oms/web"
)

// productsPath is where products are added; addingPath has the form for it.
const (
	productsPath = "/ui/products"
	addingPath   = productsPath + "/new"
)

// productFields are those of the form that adds a product, with what each is called.
var productFields = []struct{ name, label string }{
	{"name", "The name"}, {"category", "The category"}, {"code", "The code"}, {"price", "The price"}, {"currency", "The currency"}, {"on_hand", "The number on hand"},
}

// productPage is the data of the page "product".
type productPage struct {
	web.Frame
	Sent       map[string]string // what was typed, by field
	Wrong      problems
	Summary    []wrongField
	Categories []string // that there are
}

// wrongField is a problem of a field in a sentence.
type wrongField struct{ Field, Sentence string }

// askProduct shows the form to who may use it.
func (q *request) askProduct() error {
	if err := q.mayManage(); err != nil {
		return err
	}
	known, err := q.Inventory.List(q.ctx(), inventory.ListRequest{})
	if err != nil {
		return err
	}
	sent := map[string]string{"on_hand": "0"}
	if len(known.Data) > 0 { // most shops have one currency
		sent["currency"] = known.Data[0].Price.Currency
	}
	return q.showProduct(http.StatusOK, sent, nil)
}

// mayManage refuses everybody else before anything is read of a form; the inventory refuses them too.
func (q *request) mayManage() error {
	if q.may(inventory.ManageInventory) {
		return nil
	}
	return fault.New(fault.PermissionDenied, "This needs the right %s.", inventory.ManageInventory)
}

// addProduct adds a product that is not there yet.
func (q *request) addProduct() error {
	if err := q.mayManage(); err != nil {
		return err
	}
	decoded, err := q.decode("name", "category", "code", "price", "currency", "on_hand")
	if err != nil {
		return err
	}
	sent, wrong := decoded.values, problems{}
	for name, value := range sent {
		sent[name] = strings.TrimSpace(value)
	}
	sent["currency"] = strings.ToUpper(sent["currency"])
	amount, err := money.Parse(sent["price"], sent["currency"])
	if err != nil {
		wrong["price"] = "is not an amount: " + err.Error()
	}
	onHand, err := strconv.ParseInt(sent["on_hand"], 10, 64)
	if err != nil {
		wrong["on_hand"] = "must be a whole number"
	}
	request := inventory.PutRequest{
		Category: sent["category"], Code: sent["code"], Name: sent["name"], Price: inventory.PutPrice{Amount: &amount, Currency: sent["currency"]}, OnHand: &onHand,
		IfNoneMatch: "*",
	}
	wrong.ofProduct(inventory.Put.Problems(request))
	if len(wrong) > 0 {
		return q.showProduct(http.StatusUnprocessableEntity, sent, wrong)
	}
	_, err = q.Inventory.Put(q.ctx(), request)
	switch fault.CodeOf(err) {
	case "":
		return q.redirect("/ui/?"+inCategory(request.Category), web.Notice{Text: request.Name + " is in the shop now."})
	case fault.PreconditionFailed:
		wrong["code"] = "is that of a product that is there already in this category"
	case fault.InvalidArgument:
		wrong.ofProduct(fault.From(err).Fields)
	default:
		return err
	}
	return q.showProduct(http.StatusUnprocessableEntity, sent, wrong)
}

// ofProduct adds what is wrong with the members of a product; what a field says already stays.
func (p problems) ofProduct(fields []fault.Field) {
	for _, field := range fields {
		name := field.Parameter + strings.TrimPrefix(field.Pointer, "/")
		switch name {
		case "price/currency":
			name = "currency"
		case "price/amount":
			name = "price"
		}
		if p[name] == "" {
			p[name] = field.Detail
		}
	}
}

func (q *request) showProduct(status int, sent map[string]string, wrong problems) error {
	page := productPage{Frame: q.frame("Add a product", "shop"), Sent: sent, Wrong: wrong}
	for _, field := range productFields {
		if problem := wrong[field.name]; problem != "" {
			page.Summary = append(page.Summary, wrongField{field.name, field.label + " " + problem + "."})
		}
	}
	if known, err := q.Inventory.List(q.ctx(), inventory.ListRequest{}); err == nil { // it only saves typing
		page.Categories = categories(known)
	}
	return q.show(status, "product", page)
}
