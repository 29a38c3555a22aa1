// Package money reads and writes amounts of money, which are whole numbers of a currency's minor unit everywhere else. There
// is no floating point.
package money

import (
	"fmt"
	"strconv"
	"strings"
)

// fractions are the decimal places of currencies that do not have two (ISO 4217, list one).
var fractions = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
	"UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// Places is how many decimal places a currency has, by its code of ISO 4217.
func Places(currency string) int {
	if places, special := fractions[currency]; special {
		return places
	}
	return 2
}

// Split is an amount as its sign, the digits before the point, and those behind it: 5 USD is "", "0", "05".
func Split(amount int64, currency string) (sign, whole, fraction string) {
	digits := strconv.FormatInt(amount, 10)
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	places := Places(currency)
	if short := places + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	return sign, digits[:len(digits)-places], digits[len(digits)-places:]
}

// Format writes an amount as a plain decimal, without its currency: 124900 USD is 1249.00, 500 JPY is 500.
func Format(amount int64, currency string) string {
	sign, whole, fraction := Split(amount, currency)
	if fraction == "" {
		return sign + whole
	}
	return sign + whole + "." + fraction
}

// Parse reads what Format writes, and fewer decimal places than the currency has: 12.5 EUR is 1250. Signs, spaces, thousands
// separators and exponents are refused, as is what would have to be rounded.
func Parse(text, currency string) (amount int64, err error) {
	whole, fraction, point := strings.Cut(text, ".")
	places := Places(currency)
	if strings.Trim(whole, "0123456789") != "" || strings.Trim(fraction, "0123456789") != "" || whole == "" || point && fraction == "" {
		return 0, fmt.Errorf("write an amount in digits, such as %s", Format(1250, currency))
	}
	if len(fraction) > places {
		return 0, fmt.Errorf("%s has %d decimal places", currency, places)
	}
	amount, err = strconv.ParseInt(whole+fraction+strings.Repeat("0", places-len(fraction)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the amount is too large")
	}
	return amount, nil
}
