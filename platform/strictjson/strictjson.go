// Package strictjson reads JSON (RFC 8259) that other parties wrote, where two readers must never disagree on its
// meaning: tokens, key sets, request bodies.
//
// It promises that what it accepts has one meaning only: valid UTF-8, no member twice, no lone surrogates, one value
// and nothing behind it, bounded depth and bounded numbers. Member names are compared exactly, never case-folded.
// Time is linear in the input, and so is memory, up to [MaxValues] values: [Cost] says beforehand how much it can be.
//
// It does not stream, does not repair, does not read floating-point numbers into Go values, and knows no rule about
// what a value should be: lengths, ranges and formats are its callers' business. Nothing in it panics on any input.
package strictjson

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strconv"
)

const (
	// MaxDepth is how many arrays and objects may be open at once. Real documents stay below ten; the recursion of
	// the reader and of whatever walks the tree later is bounded by it.
	MaxDepth = 64
	// MaxNumberLength is the longest number literal in bytes. Every int64 and every shortest float64 fits in 25; longer
	// ones cost quadratic time in big-number libraries.
	MaxNumberLength = 64
	// MaxValues is how many values a text can hold, arrays, objects and what is in them. A value takes some hundred times
	// the two bytes that it can be written in; the largest honest documents, an order and a key set, have hundreds.
	MaxValues = 10_000
)

// valueCost is what a value takes at most while it is read and bound, in bytes: itself and its name, once on a stack that
// has just grown and once in the tree, an entry in the index of names, and what it is bound to.
const valueCost = 256

// Cost is how many bytes of memory reading a text takes at most, beside the text itself. It reads no value: each but the
// first stands behind a comma or an opening bracket.
func Cost(text []byte) int64 {
	values := 1 + bytes.Count(text, []byte{','}) + bytes.Count(text, []byte{'['}) + bytes.Count(text, []byte{'{'})
	return int64(len(text)) + valueCost*int64(min(values, MaxValues))
}

// SyntaxError says why the input is not acceptable JSON, and where.
type SyntaxError struct {
	Offset int    // in bytes from the start of the input
	Detail string // a sentence for people; quotes at most a few dozen bytes of the input, escaped
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Detail) }

// Kind is the type of a JSON value.
type Kind uint8

// The kinds of RFC 8259 section 3. The zero [Value] is null.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String is the kind as a sentence names it, with its article.
func (k Kind) String() string {
	names := [...]string{Null: "null", Bool: "a boolean", Number: "a number", String: "a string", Array: "an array", Object: "an object"}
	if int(k) < len(names) {
		return names[k]
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// Value is one JSON value. It is immutable and safe for concurrent use; copying it is cheap. It keeps the text that
// it was parsed from alive.
type Value struct {
	kind  Kind
	text  string    // the characters of a string, the literal of a number, "true" for true
	inner *children // of an array or object; nil when it is empty
}

type children struct {
	names []string // of an object's members, parallel to items; none in an array
	items []Value
}

// Kind is the type of the value.
func (v Value) Kind() Kind { return v.kind }

// Text is the value of a string; ok is false for other kinds.
func (v Value) Text() (text string, ok bool) { return v.of(String) }

// Literal is a number as it was written; ok is false for other kinds.
func (v Value) Literal() (literal string, ok bool) { return v.of(Number) }

func (v Value) of(kind Kind) (text string, ok bool) {
	if v.kind != kind {
		return "", false
	}
	return v.text, true
}

// Len is the number of elements of an array or members of an object, and 0 for other kinds.
func (v Value) Len() int { return len(v.children().items) }

// Items yields the elements of an array in order, and nothing for other kinds.
func (v Value) Items() iter.Seq2[int, Value] {
	if v.kind != Array {
		return slices.All[[]Value](nil)
	}
	return slices.All(v.children().items)
}

// Members yields the members of an object in the order of the input, and nothing for other kinds.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		inner := v.children()
		for i, name := range inner.names {
			if !yield(name, inner.items[i]) {
				return
			}
		}
	}
}

// Get is the member of an object with exactly this name. It takes time linear in the number of members.
func (v Value) Get(name string) (member Value, ok bool) {
	inner := v.children()
	if i := slices.Index(inner.names, name); i >= 0 {
		return inner.items[i], true
	}
	return Value{}, false
}

func (v Value) children() children {
	if v.inner == nil {
		return children{}
	}
	return *v.inner
}
