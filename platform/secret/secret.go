// Package secret holds the type of text that must not be shown: passwords, client secrets, join tokens.
//
// It promises that a [Text] is never printed by accident: fmt, log and slog show [Redacted] in its place. It does not
// encrypt, and it does not hide from JSON and YAML, since a secret has to travel as a member of a request; so log the
// parts of a request, never a request as JSON. Two things are beyond any type that is a string: fmt reads the
// unexported fields of a struct without asking their methods, and it answers the verb %p with the value. Keep a Text in
// exported fields; go vet refuses the %p.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what is shown in place of every secret, the empty one too.
const Redacted = "[redacted]"

// Text is a secret. It is a string, so that the zero value is "no secret" and it can be a member of a JSON request.
// Compare two of them with [crypto/subtle.ConstantTimeCompare].
type Text string

var (
	_ fmt.Formatter  = Text("")
	_ fmt.GoStringer = Text("")
	_ slog.LogValuer = Text("")
)

// Reveal is the secret itself. Every call of it is a place to look at in a review.
func (t Text) Reveal() string { return string(t) }

// String is [Redacted].
func (t Text) String() string { return Redacted }

// GoString is [Redacted].
func (t Text) GoString() string { return Redacted }

// Format writes [Redacted] for every verb and flag, also for those that would print a string's bytes (%x, %q, %d).
func (t Text) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, Redacted) }

// LogValue is [Redacted].
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }
