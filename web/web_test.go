package web_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/web"
)

func TestMoney(t *testing.T) {
	for _, test := range []struct {
		amount   int64
		currency string
		want     string
	}{
		{0, "USD", "$0.00"},
		{5, "USD", "$0.05"},
		{124900, "USD", "$1,249.00"},
		{123456789012, "EUR", "€1,234,567,890.12"},
		{-5099, "USD", "−$50.99"},
		{5000, "CHF", "50.00\u00a0CHF"},
		{1234567, "JPY", "1,234,567\u00a0JPY"},
		{1234567, "KWD", "1,234.567\u00a0KWD"},
		{-9223372036854775808, "GBP", "−£92,233,720,368,547,758.08"},
	} {
		if got := web.Money(test.amount, test.currency); got != test.want {
			t.Errorf("Money(%d, %s) is %q, want %q", test.amount, test.currency, got, test.want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1000000: "1,000,000", -1234: "−1,234"} {
		if got := web.Count(n); got != want {
			t.Errorf("Count(%d) is %q, want %q", n, got, want)
		}
	}
}

func render(t *testing.T, status int, page string, data any) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := web.Render(w, httptest.NewRequest(http.MethodGet, "/", nil), status, page, data); err != nil {
		t.Fatal(err)
	}
	return w
}

func mustSay(t *testing.T, w *httptest.ResponseRecorder, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("the page does not say %q:\n%s", text, w.Body)
		}
	}
}

func TestSignInPage(t *testing.T) {
	w := render(t, http.StatusUnprocessableEntity, "sign-in", web.SignIn{
		Next: "/ui/basket", Name: `"><script>`, Problem: "The name or the password is not right.", Ended: "Your session has ended. Sign in again to go on.",
		Cards: []web.Card{{Name: "ärwin", FullName: "Ärwin", Password: "p", May: []string{"place orders", "see own orders"}}},
	})
	if w.Code != http.StatusUnprocessableEntity {
		t.Errorf("got status %d", w.Code)
	}
	mustSay(t, w, "<title>Sign in · Order desk</title>", `name="next" value="/ui/basket"`, `value="&#34;&gt;&lt;script&gt;"`, `role="alert"`,
		"Your session has ended. Sign in again to go on.", "place orders, see own orders", `aria-hidden="true">ä<`)
}

func TestPageThatFailsIsNotSentByHalf(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if err := web.Render(w, r, http.StatusOK, "problem", struct{ web.Frame }{}); err == nil {
		t.Error("a page without its data is rendered")
	}
	if err := web.Render(w, r, http.StatusOK, "nothing", web.Problem{}); err == nil {
		t.Error("a page that is not there is rendered")
	}
	if w.Body.Len() > 0 || len(w.Header()) > 0 {
		t.Errorf("something was sent: %v %s", w.Header(), w.Body)
	}
}

func TestShowFault(t *testing.T) {
	w := httptest.NewRecorder()
	web.ShowFault(w, httptest.NewRequest(http.MethodGet, "/", nil), fault.Retryable(3*time.Second, "Not now.").Because(http.ErrServerClosed))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "3" {
		t.Errorf("got status %d and %v", w.Code, w.Header())
	}
	mustSay(t, w, "We cannot answer right now", "Not now.")
	if strings.Contains(w.Body.String(), http.ErrServerClosed.Error()) {
		t.Error("the page tells the cause")
	}
}

// firstView is what a first visit may weigh in bytes, uncompressed: the page, style, script and icon.
const firstView = 60 << 10

func TestFirstViewIsSmallAndKeptForGood(t *testing.T) {
	w := render(t, http.StatusOK, "sign-in", web.SignIn{})
	size := w.Body.Len()
	urls := regexp.MustCompile(`"(/ui/static/[a-z]+\.[0-9a-f]{12}\.(?:css|js|svg))"`).FindAllStringSubmatch(w.Body.String(), -1)
	if len(urls) != 3 {
		t.Fatalf("the page has the assets %v", urls)
	}
	for _, url := range urls {
		asset := httptest.NewRecorder()
		web.Static().ServeHTTP(asset, httptest.NewRequest(http.MethodGet, url[1], nil))
		if asset.Code != http.StatusOK || asset.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || asset.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: status %d, %v", url[1], asset.Code, asset.Header())
		}
		size += asset.Body.Len()
	}
	if size > firstView {
		t.Errorf("a first view weighs %d bytes, and must not weigh more than %d", size, firstView)
	}
	t.Logf("a first view weighs %d bytes", size)
}

func TestUnknownAssets(t *testing.T) {
	for _, path := range []string{"/ui/static/", "/ui/static/app.css", "/ui/static/app.000000000000.css", "/ui/static/../web.go"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = path
		web.Static().ServeHTTP(w, r)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s is answered with %d", path, w.Code)
		}
	}
}
