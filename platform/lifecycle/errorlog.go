package lifecycle

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// errorLog is where net/http writes what it cannot return, each line with a level of its own.
func errorLog(to *slog.Logger) *log.Logger { return log.New(lines{to}, "", 0) }

type lines struct{ log *slog.Logger }

// Write logs one message. A failed handshake is a client's business (a browser that does not know the root, a port
// scan), so it is at debug; a panic is a defect here; the rest may be of interest.
func (l lines) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	switch {
	case bytes.HasPrefix(line, []byte("http: TLS handshake error")):
		level = slog.LevelDebug
	case bytes.HasPrefix(line, []byte("http: panic serving")), bytes.HasPrefix(line, []byte("http2: panic serving")):
		level = slog.LevelError
	}
	l.log.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}
