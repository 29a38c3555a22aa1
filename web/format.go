package web

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"strconv"
	"strings"
	"unicode/utf8"

	"oms/platform/money"
)

// functions are what templates can call.
var functions = template.FuncMap{
	"asset":   assetURL,
	"capital": func(text any) string { return Capital(fmt.Sprint(text)) },
	"money":   Money,
	"count":   Count,
	"plural":  plural,
	"hue":     hue,
}

// symbols are those that nobody mistakes for another currency's.
var symbols = map[string]string{"USD": "$", "EUR": "€", "GBP": "£"}

// Money writes an amount in minor units: 124900 USD is $1,249.00, 5000 CHF is 50.00 CHF.
func Money(amount int64, currency string) string {
	sign, whole, fraction := money.Split(amount, currency)
	sign, text := strings.ReplaceAll(sign, "-", "−"), grouped(whole)
	if fraction != "" {
		text += "." + fraction
	}
	if symbol := symbols[currency]; symbol != "" {
		return sign + symbol + text
	}
	return strings.TrimSpace(sign + text + "\u00a0" + currency)
}

// Count writes a number with thousands separators.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	if n < 0 {
		return "−" + grouped(digits[1:])
	}
	return grouped(digits)
}

func grouped(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plural writes a number and what there is so many of: 1 item, 2 items.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Capital is a text with a capital letter in front.
func Capital(text string) string {
	_, size := utf8.DecodeRuneInString(text)
	return strings.ToUpper(text[:size]) + text[size:]
}

// hues is how many colours of glyphs the style has.
const hues = 6

// hue gives a product one of the colours, always the same.
func hue(category, code string) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(category + "/" + code))
	return fmt.Sprintf("hue-%d", sum.Sum32()%hues)
}
