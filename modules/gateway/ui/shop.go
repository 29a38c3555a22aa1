package ui

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/web"
)

// shopPage is the data of the page "shop".
type shopPage struct {
	web.Frame
	Query, Category string
	Categories      []choice // all of them, for the filter
	Shelves         []shelf
	Found           int64
	Back            string // where adding to the basket leads back to
	MayOrder        bool
}

// choice is an option of a filter.
type choice struct {
	Value, Label string
	Chosen       bool
}

// shelf is the products of a category.
type shelf struct {
	ID    string // its heading's id on the page
	Label string
	Tiles []tile
}

// tile is a product.
type tile struct {
	Anchor                      string // its id on the page
	Category, Code, Name, Price string
	Stock                       stock
	InBasket                    int64
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
		Frame: q.frame(title, "shop"), Query: request.Query, Category: request.Category, Categories: categories(all, request.Category),
		Shelves: q.shelves(found), Found: int64(len(found.Data)), Back: q.r.URL.RequestURI(), MayOrder: q.may(order.AddOrder),
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
func categories(all inventory.Products, chosen string) (choices []choice) {
	for _, p := range all.Data {
		if !slices.ContainsFunc(choices, func(c choice) bool { return c.Value == p.Category }) {
			choices = append(choices, choice{p.Category, label(p.Category), p.Category == chosen})
		}
	}
	slices.SortFunc(choices, func(a, b choice) int { return cmp.Compare(a.Label, b.Label) })
	return choices
}

// label is a category as people read it.
func label(category string) string {
	first, size := utf8.DecodeRuneInString(category)
	if size == 0 {
		return ""
	}
	return strings.ToUpper(string(first)) + category[size:]
}

// shelves puts products by category, as the inventory sorts them.
func (q *request) shelves(found inventory.Products) (shelves []shelf) {
	for i, p := range found.Data {
		if i == 0 || found.Data[i-1].Category != p.Category {
			shelves = append(shelves, shelf{ID: "shelf-" + strconv.Itoa(i), Label: label(p.Category)})
		}
		last := &shelves[len(shelves)-1]
		last.Tiles = append(last.Tiles, tile{
			Anchor: anchor(p.Category, p.Code), Category: p.Category, Code: p.Code, Name: p.Name, Price: web.Money(p.Price.Amount, p.Price.Currency),
			Stock: stock{p.Category, p.Code, p.Available}, InBasket: q.basket.of(p.Category, p.Code),
		})
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
