package ui

import (
	"math"
	"strconv"

	"oms/modules/inventory"
	"oms/platform/fault"
	"oms/web"
)

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

// few is how many are so few that people want to know.
const few = 10

// stock says in words how many there are.
type stock struct {
	Category, Code string
	Available      int64
}

// Level is the word by which the style tells: out, low or good.
func (s stock) Level() string {
	switch {
	case s.Available < 1:
		return "out"
	case s.Available <= few:
		return "low"
	}
	return "good"
}

// Text is what people read.
func (s stock) Text() string {
	switch s.Level() {
	case "out":
		return "Sold out"
	case "low":
		return strconv.FormatInt(s.Available, 10) + " left"
	}
	return "In stock"
}

// lineView is a line of a form as the page shows it.
type lineView struct {
	Index                int
	Category, Code, Name string
	Qty                  string // as it was typed
	Known                bool   // the catalogue has it: price and stock are told
	Price, Total         string
	Stock                stock
	Problem              string // of the quantity
	Short                *shortage
}

// sum is a total in one currency.
type sum map[string]int64

// add adds an amount, or reports that nobody could pay it.
func (s sum) add(currency string, amount int64) bool {
	if amount > math.MaxInt64-s[currency] {
		return false
	}
	s[currency] += amount
	return true
}

// linesView shows lines with what the catalogue knows of them, and their total: "" where it cannot be told.
func (c catalogue) linesView(lines []line, wrong problems, short map[int]shortage) (views []lineView, total string) {
	totals, whole := sum{}, true
	for i, l := range lines {
		view := lineView{
			Index: i, Category: l.Category, Code: l.Code, Name: c.name(l.Category, l.Code), Qty: l.Qty, Problem: wrong[fieldName("qty", i)],
		}
		if s, found := short[i]; found {
			view.Short = &s
		}
		p, known := c[[2]string{l.Category, l.Code}]
		if known {
			view.Known, view.Price = true, web.Money(p.Price.Amount, p.Price.Currency)
			view.Stock = stock{l.Category, l.Code, p.Available}
		}
		qty, err := strconv.ParseInt(l.Qty, 10, 64)
		switch {
		case !known || err != nil || !qtyRule.AllowsNumber(qty) || p.Price.Amount > math.MaxInt64/maxQty:
			whole = false
		default:
			view.Total = web.Money(p.Price.Amount*qty, p.Price.Currency)
			whole = totals.add(p.Price.Currency, p.Price.Amount*qty) && whole
		}
		views = append(views, view)
	}
	if whole && len(totals) == 1 {
		for currency, amount := range totals {
			total = web.Money(amount, currency)
		}
	}
	return views, total
}
