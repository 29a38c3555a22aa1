package web

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"strconv"
	"strings"
	"unicode/utf8"
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

// fractions are the decimal places of currencies that do not have two (ISO 4217).
var fractions = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
	"UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// symbols are those that nobody mistakes for another currency's.
var symbols = map[string]string{"USD": "$", "EUR": "€", "GBP": "£"}

// Money writes an amount in minor units: 124900 USD is $1,249.00, 5000 CHF is 50.00 CHF.
func Money(amount int64, currency string) string {
	places, special := fractions[currency]
	if !special {
		places = 2
	}
	sign, digits := "", strconv.FormatInt(amount, 10)
	if strings.HasPrefix(digits, "-") {
		sign, digits = "−", digits[1:]
	}
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	text := grouped(digits[:len(digits)-places])
	if places > 0 {
		text += "." + digits[len(digits)-places:]
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
