package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"oms/platform/limits"
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
	budget := limits.NewBudget(1<<20, 100)
	handler := handlerWith(t, budget, map[string]http.HandlerFunc{"/oauth2/page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("page")) }}, io.Discard)
	expect := func(want time.Duration) {
		t.Helper()
		for _, path := range []string{"/oauth2/page", "/unknown"} {
			connection := &deadlined{ResponseRecorder: httptest.NewRecorder()}
			before := time.Now()
			handler.ServeHTTP(connection, httptest.NewRequest(http.MethodGet, path, nil))
			if left := connection.until.Sub(before); left < want || left > want+10*time.Second {
				t.Errorf("%s: %v are left to read the answer, want %v", path, left, want)
			}
		}
	}
	expect(answerTimeout)
	share, err := budget.Enter(limits.Cheap, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := share.Take(1 << 19); err != nil {
		t.Fatal(err)
	}
	expect(scarceTimeout) // sooner while there is little room
	share.Leave()
	expect(answerTimeout)
}
