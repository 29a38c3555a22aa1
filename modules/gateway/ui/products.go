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

// productPage is the data of the page "product".
type productPage struct {
	web.Frame
	Fields     []productField
	Wrong      bool     // something is
	Categories []string // that there are
}

// productField is a field of the form that adds a product.
type productField struct {
	Name, Label, Hint string
	MaxLength         int64
	Mode              string // which keyboard a phone shows
	Value             string // what was typed
	Problem           string // "must be a whole number"
}

// Sentence says what is wrong.
func (f productField) Sentence() string { return f.Label + " " + f.Problem + "." }

// productFields are all of them.
var productFields = []productField{
	{Name: "name", Label: "Name", MaxLength: *inventory.Put.Rule("name").MaxLength, Mode: "text"},
	{Name: "category", Label: "Category", MaxLength: *inventory.Put.Rule("category").MaxLength, Mode: "text"},
	{Name: "code", Label: "Code", MaxLength: *inventory.Put.Rule("code").MaxLength, Mode: "text"},
	{Name: "price", Label: "Price", Hint: "12.50", MaxLength: 20, Mode: "decimal"},
	{Name: "currency", Label: "Currency", Hint: "EUR", MaxLength: 3, Mode: "text"},
	{Name: "on_hand", Label: "Number on hand", MaxLength: 10, Mode: "numeric"},
}

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
	page := productPage{Frame: q.frame("Add a product", "shop"), Wrong: len(wrong) > 0}
	for _, field := range productFields {
		field.Value, field.Problem = sent[field.Name], wrong[field.Name]
		page.Fields = append(page.Fields, field)
	}
	if known, err := q.Inventory.List(q.ctx(), inventory.ListRequest{}); err == nil { // it only saves typing
		page.Categories = categories(known)
	}
	return q.show(status, "product", page)
}
