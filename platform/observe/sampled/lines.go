package sampled

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// Lines is where those write who know the log of the standard library alone, such as net/http. level says how loud a line is.
func (l *Log) Lines(level func(line []byte) slog.Level) *log.Logger {
	return log.New(lines{l, level}, "", 0)
}

type lines struct {
	log   *Log
	level func([]byte) slog.Level
}

// Write writes one line.
func (l lines) Write(line []byte) (int, error) {
	l.log.Log(context.Background(), l.level(line), string(bytes.TrimSpace(line)))
	return len(line), nil
}
