package gateway

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"oms/modules/sts"
	"oms/platform/fault"
)

// otherProcess answers every request, after it has read as much of it as it is given.
type otherProcess struct{ got []int64 }

func (o *otherProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	var text []byte
	var err error
	if r.Body != nil {
		text, err = io.ReadAll(r.Body)
	}
	if int64(len(text)) != r.ContentLength {
		err = errors.Join(err, errors.New("the length that is announced is another"))
	}
	o.got = append(o.got, r.ContentLength)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, err
}

type torn struct{}

func (torn) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// What a client sends slowly, too much of, or in part holds nothing of the process that the pages are in.
func TestFormsArePassedOnWholeOrNotAtAll(t *testing.T) {
	form := func(n int) io.Reader { return strings.NewReader(strings.Repeat("x", n)) }
	for name, c := range map[string]struct {
		body   io.Reader
		passed []int64
		code   fault.Code
	}{
		"whole":     {form(100), []int64{100}, ""},
		"none":      {http.NoBody, []int64{0}, ""},
		"too large": {form(10 * sts.MaxForm), []int64{sts.MaxForm + 1}, ""},
		"torn":      {io.MultiReader(form(100), torn{}), nil, fault.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			there := &otherProcess{}
			handle := Remote(&url.URL{Scheme: "https", Host: "sts"}, there, slog.New(slog.DiscardHandler))
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth2/sign-in", struct{ io.Reader }{c.body}) // of unknown length
			answer := httptest.NewRecorder()
			if err := handle(answer, r); fault.CodeOf(err) != c.code || err == nil && answer.Code != http.StatusOK {
				t.Errorf("%d, %v", answer.Code, err)
			}
			if len(there.got) != len(c.passed) || len(there.got) > 0 && there.got[0] != c.passed[0] {
				t.Errorf("passed on: %v, want %v", there.got, c.passed)
			}
		})
	}
}
