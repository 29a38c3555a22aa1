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

// shopPage is the data of the page "shop".
type shopPage struct {
	web.Frame
	Query, Category string
	Categories      []string // all of them, for the filter
	Shelves         []shelf
	Found           int64
	Back            string // where adding to the basket leads back to
	MayOrder        bool
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
		Shelves: shelves(found), Found: int64(len(found.Data)), Back: q.r.URL.RequestURI(), MayOrder: q.may(order.AddOrder), basket: q.basket,
	})
}

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
