// Package observe tells operators what the process does: the log, the metrics, the health of what it hosts.
//
// It never sees a credential: what is recorded is decisions and outcomes, and secrets have a type that prints as
// redacted.
package observe

import (
	"io"
	"log/slog"
)

// NewLog makes the log of a process. level is one of debug, info, warn and error; format is text or json. Both were
// checked when the configuration was read; anything else means info and text.
func NewLog(to io.Writer, level, format string) *slog.Logger {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: least}
	if format == "json" {
		options.ReplaceAttr = withUnit
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

// withUnit writes times that something takes with their unit, as text logs do: JSON would have them as a number of what nobody
// knows.
func withUnit(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}
