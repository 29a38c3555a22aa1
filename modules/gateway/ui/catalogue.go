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
