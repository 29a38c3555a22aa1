package identity

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// Traceparent is the transaction as a W3C trace context, with a span of its own, as it travels to another process. It is
// "" for what is not a transaction id.
func Traceparent(transaction string) string {
	if !nonzeroHex(transaction, 32) {
		return ""
	}
	var span [8]byte
	_, _ = rand.Read(span[:]) // never fails: crypto/rand ends the process where it cannot deliver
	span[7] |= 1              // an id of zeros is not one
	return "00-" + transaction + "-" + hex.EncodeToString(span[:]) + "-01"
}

// FromTraceparent is the transaction that a W3C trace context names, or "": what is malformed is ignored, as the W3C asks.
func FromTraceparent(text string) string {
	parts := strings.Split(text, "-")
	if len(parts) != 4 || parts[0] != "00" || !nonzeroHex(parts[1], 32) || !nonzeroHex(parts[2], 16) || !lowerHex(parts[3], 2) {
		return ""
	}
	return parts[1]
}

func lowerHex(text string, length int) bool {
	return len(text) == length && strings.Trim(text, "0123456789abcdef") == ""
}

func nonzeroHex(text string, length int) bool {
	return lowerHex(text, length) && strings.Trim(text, "0") != ""
}
