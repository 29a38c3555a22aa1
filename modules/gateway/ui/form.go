package ui

import (
	"cmp"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"oms/modules/order"
	"oms/platform/fault"
	"oms/web"
)

// MaxForm is the longest form in bytes: a hundred lines need a third of it. The gateway reads no more.
const MaxForm = 64 << 10

// The rules of orders, which forms keep before they are sent on.
var (
	nameRule = order.Create.Rule("name")
	qtyRule  = order.Create.Rule("items", "qty")
	maxQty   = *qtyRule.Maximum
	maxLines = int(*order.Create.Rule("items").MaxItems)
)

// form is a form that was sent: every field once, and none that the page does not have.
type form struct {
	values map[string]string
	lines  []line
}

// line is a line of a basket or an order, with the quantity as it was typed.
type line struct {
	Category, Code, Qty string
	Available           *int64 // what the page said is available, where there was too little
}

// decode reads a form of the named fields and any number of lines.
func (q *request) decode(fields ...string) (form, error) {
	sent, err := q.fields()
	if err != nil {
		return form{}, err
	}
	decoded := form{values: map[string]string{}}
	for _, name := range fields {
		if value, there := sent[name]; there {
			decoded.values[name] = value
			delete(sent, name)
		}
	}
	for i := 0; i < maxLines && has(sent, "code", i); i++ {
		next, err := takeLine(sent, i)
		if err != nil {
			return form{}, err
		}
		decoded.lines = append(decoded.lines, next)
	}
	for name := range sent {
		return form{}, fault.New(fault.Malformed, "The form has a field %q that the page does not have.", name)
	}
	return decoded, nil
}

// fields reads a form with every field at most once.
func (q *request) fields() (map[string]string, error) {
	media, _, err := mime.ParseMediaType(q.r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, fault.New(fault.UnsupportedMedia, "Send a form.").Because(err)
	}
	if err := q.r.ParseForm(); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, fault.New(fault.TooLarge, "The form is larger than %d bytes.", MaxForm)
		}
		return nil, fault.New(fault.Malformed, "The form cannot be read.").Because(err)
	}
	if q.r.URL.RawQuery != "" {
		return nil, fault.New(fault.Malformed, "A form has no query.")
	}
	sent := map[string]string{}
	for name, values := range q.r.PostForm {
		if len(values) > 1 {
			return nil, fault.New(fault.Malformed, "The form has the field %q twice.", name)
		}
		sent[name] = values[0]
	}
	return sent, nil
}

func has(sent map[string]string, name string, i int) bool {
	_, there := sent[fieldName(name, i)]
	return there
}

// fieldName names a field of a line: qty.0.
func fieldName(name string, i int) string { return name + "." + strconv.Itoa(i) }

func takeLine(sent map[string]string, i int) (l line, err error) {
	for name, into := range map[string]*string{"category": &l.Category, "code": &l.Code, "qty": &l.Qty} {
		if !has(sent, name, i) {
			return l, fault.New(fault.Malformed, "Line %d of the form has no %s.", i, name)
		}
		*into = sent[fieldName(name, i)]
		delete(sent, fieldName(name, i))
	}
	if has(sent, "available", i) {
		available, err := strconv.ParseInt(sent[fieldName("available", i)], 10, 64)
		if err != nil {
			return l, fault.New(fault.Malformed, "Line %d of the form says nonsense about the stock.", i)
		}
		l.Available = &available
		delete(sent, fieldName("available", i))
	}
	return l, nil
}

// items turns lines into items of an order, and names every quantity that is none.
func items(lines []line) ([]order.Item, problems) {
	wrong := problems{}
	var read []order.Item
	for i, l := range lines {
		qty, err := strconv.ParseInt(l.Qty, 10, 64)
		if err != nil || !qtyRule.AllowsNumber(qty) {
			wrong[fieldName("qty", i)] = "must be " + wholeNumber()
		}
		read = append(read, order.Item{Category: l.Category, Code: l.Code, Qty: qty})
	}
	return read, wrong
}

// wholeNumber says what a quantity is.
func wholeNumber() string {
	return "a whole number from " + web.Count(*qtyRule.Minimum) + " to " + web.Count(maxQty)
}

// adjusted lowers every quantity to what the page said is available, and drops lines of which there is nothing.
func adjusted(lines []line) (kept []line) {
	for _, l := range lines {
		if l.Available != nil {
			if *l.Available < 1 {
				continue
			}
			if qty, err := strconv.ParseInt(l.Qty, 10, 64); err != nil || qty > *l.Available {
				l.Qty = strconv.FormatInt(*l.Available, 10)
			}
		}
		l.Available = nil
		kept = append(kept, l)
	}
	return kept
}

// without drops the line that an action such as remove.2 names.
func without(lines []line, index string) []line {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(lines) {
		return lines
	}
	return append(lines[:i:i], lines[i+1:]...)
}

// shopPath gives back a path of the shop that a form asked to return to, else the shop.
func shopPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path != "/ui/" {
		return "/ui/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// problems of a form, by the field that has them. The key "" is that of the whole form.
type problems map[string]string

// checkName adds what is wrong with an order's name, so that all problems of a form are told at once.
func (p problems) checkName(name string) {
	if !nameRule.AllowsLength(strings.TrimSpace(name)) {
		p["name"] = "must have " + web.Count(*nameRule.MinLength) + " to " + web.Count(*nameRule.MaxLength) + " characters"
	}
}

// refused sorts what the order module refused into problems by field and shortages by line.
func refused(failure *fault.Error) (problems, map[int]shortage) {
	wrong, short := problems{}, map[int]shortage{}
	for _, field := range failure.Fields {
		parts := strings.Split(field.Pointer, "/")
		if len(parts) < 3 || parts[1] != "items" {
			wrong[strings.TrimPrefix(strings.TrimPrefix(field.Pointer, "/"), "items")] = field.Detail
			continue
		}
		i, err := strconv.Atoi(parts[2])
		requested, asked := field.Figure("requested")
		available, known := field.Figure("available")
		switch {
		case err != nil:
			wrong[""] = field.Detail
		case asked && known:
			short[i] = shortage{requested, available}
		case len(parts) == 3:
			wrong[fieldName("qty", i)] = "cannot be ordered: we do not sell it any more; remove it"
		default:
			wrong[fieldName("qty", i)] = cmp.Or(field.Detail, "is not accepted")
		}
	}
	return wrong, short
}
