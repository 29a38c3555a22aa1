package ui

import (
	"cmp"
	"math"
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

// shopPage is the data of the page "shop".
type shopPage struct {
	web.Frame
	Query, Category string
	Categories      []string // all of them, for the filter
	Shelves         []shelf
	Found           int64
	Back            string // where adding to the basket leads back to
	MayOrder        bool
	MayManage       bool
	basket          basket
}

// InBasket is how many of a product are in the basket.
func (p shopPage) InBasket(product inventory.Product) int64 {
	return p.basket.of(product.Category, product.Code)
}

// Anchor is the id of a product on the page.
func (shopPage) Anchor(p inventory.Product) string { return anchor(p.Category, p.Code) }

// shelf is the products of a category.
type shelf struct {
	ID, Category string // the heading's id on the page, and what it says
	Products     []inventory.Product
}

// Limits of what is searched for; the inventory refuses more.
const (
	maxQuery    = 200
	maxCategory = 64
)

func (q *request) shop() error {
	asked := q.r.URL.Query()
	query, category := strings.TrimSpace(asked.Get("q")), asked.Get("category")

	request := inventory.ListRequest{Category: clip(category, maxCategory), Query: clip(query, maxQuery)}

	found, err := q.Inventory.List(q.ctx(), request)
	if err != nil {
		return err
	}
	all := found
	if request != (inventory.ListRequest{}) {
		if all, err = q.Inventory.List(q.ctx(), inventory.ListRequest{}); err != nil {
			return err
		}
	}

	title := "Shop"
	if request.Query != "" {
		title = "Search: " + request.Query
	}
	return q.show(http.StatusOK, "shop", shopPage{
		Frame: q.frame(title, "shop"), Query: request.Query, Category: request.Category, Categories: categories(all),
		Shelves: shelves(found), Found: int64(len(found.Data)), Back: q.r.URL.RequestURI(), MayOrder: q.may(order.AddOrder), MayManage: q.may(inventory.ManageInventory), basket: q.basket,
	})
}

// inCategory is the query of the shop that shows a category.
func inCategory(category string) string { return url.Values{"category": {category}}.Encode() }

// clip cuts a text to so many characters, which is kinder than refusing a search.
func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// categories are the options of the filter.
func categories(all inventory.Products) (names []string) {
	for _, p := range all.Data {
		if !slices.Contains(names, p.Category) {
			names = append(names, p.Category)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(web.Capital(a), web.Capital(b)) })
	return names
}

// shelves puts products by category, as the inventory sorts them.
func shelves(found inventory.Products) (shelves []shelf) {
	for i, p := range found.Data {
		if i == 0 || found.Data[i-1].Category != p.Category {
			shelves = append(shelves, shelf{ID: "shelf-" + strconv.Itoa(i), Category: p.Category})
		}
		last := &shelves[len(shelves)-1]
		last.Products = append(last.Products, p)
	}
	return shelves
}

// anchor is the id of a product's tile.
func anchor(category, code string) string { return "p-" + escape(category) + "-" + escape(code) }

// escape keeps what can stand in an id and a fragment as it is.
func escape(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, text)
}

// catalogue is what the inventory has, for looking up names and prices. Where the inventory is away it is nil, and
// pages show codes.
type catalogue map[[2]string]inventory.Product

// products reads the whole catalogue. A session that has ended is an error; an inventory that is away is not.
func (q *request) products() (catalogue, error) {
	list, err := q.Inventory.List(q.ctx(), inventory.ListRequest{})
	if err != nil {
		if fault.CodeOf(err) == fault.Unauthenticated {
			return nil, err
		}
		q.Log.WarnContext(q.ctx(), "a page is shown without the inventory", "trace_id", q.trace(), "cause", err)
		return nil, nil // the page is of use without names and prices, and says so
	}
	known := catalogue{}
	for _, p := range list.Data {
		known[[2]string{p.Category, p.Code}] = p
	}
	return known, nil
}

// name is the name of a product, else its code.
func (c catalogue) name(category, code string) string {
	if p, known := c[[2]string{category, code}]; known {
		return p.Name
	}
	return code
}

// lineView is a line of a form as the page shows it.
type lineView struct {
	line
	Index   int
	Name    string
	Product *inventory.Product // its price and stock; nil where the catalogue does not have it
	Total   string
	Problem string // of the quantity
	Short   *shortage
}

// shortage is how much too much was asked for.
type shortage struct{ Requested, Available int64 }

// linesForm is the data of a form of lines, with what the catalogue knows of them.
type linesForm struct {
	web.Frame
	Name  string // of the order
	Lines []lineView
	Total string // "" where it cannot be told
	Wrong problems
	Short bool // something is out of stock
	Away  bool // the inventory is: names, prices and stock are not known
}

// linesForm shows a form with what is wrong with it.
func (c catalogue) linesForm(frame web.Frame, sent form, wrong problems, short map[int]shortage) linesForm {
	shown := linesForm{Frame: frame, Name: sent.values["name"], Wrong: wrong, Short: len(short) > 0, Away: c == nil}
	totals, whole := map[string]int64{}, true // by currency
	for i, l := range sent.lines {
		view := lineView{line: l, Index: i, Name: c.name(l.Category, l.Code), Problem: wrong[fieldName("qty", i)]}
		if s, found := short[i]; found {
			view.Short = &s
		}
		p, known := c[[2]string{l.Category, l.Code}]
		if known {
			view.Product = &p
		}
		qty, err := strconv.ParseInt(l.Qty, 10, 64)
		switch {
		case !known || err != nil || !qtyRule.AllowsNumber(qty) || p.Price.Amount > math.MaxInt64/maxQty:
			whole = false
		default:
			amount := p.Price.Amount * qty
			view.Total = web.Money(amount, p.Price.Currency)
			whole = whole && amount <= math.MaxInt64-totals[p.Price.Currency] // more is nobody's to pay
			totals[p.Price.Currency] += amount
		}
		shown.Lines = append(shown.Lines, view)
	}
	if whole && len(totals) == 1 {
		for currency, amount := range totals {
			shown.Total = web.Money(amount, currency)
		}
	}
	return shown
}
