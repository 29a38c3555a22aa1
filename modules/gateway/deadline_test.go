package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// deadlined is a connection whose deadline for writing can be seen.
type deadlined struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (d *deadlined) SetWriteDeadline(until time.Time) error {
	d.until = until
	return nil
}

// A client that does not read its answer does not hold its connection, and the stop of the process, for ever.
func TestAnAnswerHasToBeReadInTime(t *testing.T) {
	for _, path := range []string{"/oauth2/page", "/unknown"} {
		handler := handlerOf(t, map[string]http.HandlerFunc{"/oauth2/page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("page")) }}, io.Discard)
		connection := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		before := time.Now()
		handler.ServeHTTP(connection, httptest.NewRequest(http.MethodGet, path, nil))
		if left := connection.until.Sub(before); left < answerTimeout || left > answerTimeout+10*time.Second {
			t.Errorf("%s: %v are left to read the answer, want %v", path, left, answerTimeout)
		}
	}
}
