package ui_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/modules/gateway"
	"oms/modules/inventory"
	inventoryhost "oms/modules/inventory/host"
	"oms/modules/order"
	orderhost "oms/modules/order/host"
	"oms/modules/sts"
	"oms/platform/database/databasetest"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/limits"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust"
	"oms/platform/trust/direct"
)

// world is the pages over real modules on real databases, behind TLS as browsers want it for their cookies.
type world struct {
	server    *httptest.Server
	orders    order.Service
	stock     inventory.Service
	signedOut sync.Map // whom the pages have signed out everywhere

	// What tests can break: an error is what the call gets.
	ordersFail, stockFail, reserveFail atomic.Pointer[fault.Error]
}

// script is what must never reach a page as it is.
const script = `"><script>alert(1)</script>'{{.}}`

var products = []inventory.Product{
	{Category: "books", Code: "a", Name: "Book A", Price: inventory.Price{Amount: 1539, Currency: "USD"}, Available: 10},
	{Category: "books", Code: "b", Name: "Book B", Price: inventory.Price{Amount: 5099, Currency: "USD"}, Available: 1},
	{Category: "books", Code: "gone", Name: "Gone", Price: inventory.Price{Amount: 999, Currency: "USD"}, Available: 0},
	{Category: "electronics", Code: "m", Name: "Machine", Price: inventory.Price{Amount: 124900, Currency: "USD"}, Available: 500},
	{Category: "<b>" + script[:20], Code: script, Name: script, Price: inventory.Price{Amount: 100, Currency: "USD"}, Available: 5},
}

// rights of the users that tests sign in as. Whoever is not among them has none.
var rights = map[string]identity.Scopes{
	"alice": identity.NewScopes(order.AddOrder),
	"bob":   identity.NewScopes(order.AddOrder),
	"stock": identity.NewScopes(inventory.ManageInventory),
	"admin": identity.NewScopes(order.AddOrder, order.UpdateOrder, order.CancelOrder, order.ViewOrders),
}

// traceID stands, among the texts that a page must say, for the trace id of the request.
const traceID = "trace-of-this-request"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	stock, err := inventoryhost.New(t.Context(), inventoryhost.Options{
		Env:      module.Env{Store: databasetest.Open(t, "inventory"), Observer: &rpctest.Observer{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)},
		Settings: *inventoryhost.DefaultSettings(),
		Products: products,
	})
	if err != nil {
		t.Fatal(err)
	}
	orders, err := orderhost.New(t.Context(), orderhost.Options{
		Env: module.Env{
			Store: databasetest.Open(t, "order"), Conn: rpctest.Conns(map[string]rpc.Conn{"inventory": line{direct.Conn(stock.Host, "order"), &w.reserveFail}}),
			Observer: &rpctest.Observer{}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		},
		Settings: *orderhost.DefaultSettings(),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.orders = order.Client{Conn: line{direct.Conn(orders.Host, "gateway"), &w.ordersFail}}
	w.stock = inventory.Client{Conn: line{direct.Conn(stock.Host, "gateway"), &w.stockFail}}
	accounts, err := rpc.NewHost[sts.Service](sts.Name, sts.Operations.Resolve([]string{"gateway"}, []string{"gateway"}), accounts{w: w}, &rpctest.Observer{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	edge, _, err := gateway.New(gateway.Options{
		Modules: []gateway.Backend{
			{Name: "order", Conn: line{direct.Conn(orders.Host, "gateway"), &w.ordersFail}},
			{Name: "inventory", Conn: line{direct.Conn(stock.Host, "gateway"), &w.stockFail}},
		},
		Users: users{}, STS: direct.Conn(accounts, "gateway"), Revoked: new(trust.Revocations).RevokedAtTheEdge,
		Observer: &rpctest.Observer{}, Log: slog.New(slog.DiscardHandler),
		Now:       func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) },
		PublicURL: "https://localhost:9090",
		Rates:     limits.NewRates(limits.RateSettings{}, time.Now), Budget: limits.NewBudget(1<<30, 1000),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewTLSServer(edge)
	t.Cleanup(w.server.Close)
	return w
}

// users stand in for the STS: a session is the user's name, and "ended" one that does not hold any more.
type users struct{}

func (users) User(ctx context.Context, _, _ string) (trust.Issued, error) {
	name := identity.CredentialFrom(ctx).Text.Reveal()
	if name == "ended" {
		return trust.Issued{}, fault.New(fault.Unauthenticated, "The session has ended.")
	}
	return trust.Issued{Subject: name, FullName: "The user " + name, Scopes: rights[name]}, nil
}

// accounts stand in for what the STS says about sessions.
type accounts struct {
	sts.Service
	w *world
}

func (accounts) Account(ctx context.Context, r sts.AccountRequest) (sts.Account, error) {
	name := r.Session.Reveal()
	if who := identity.From(ctx); who.Subject != "" || who.Transaction == "" {
		return sts.Account{}, fault.New(fault.Internal, "The gateway asks for itself.")
	}
	if name == "away" {
		return sts.Account{}, fault.Retryable(3*time.Second, "The STS is away.")
	}
	account := sts.Account{Name: name, FullName: "The user " + name, SignedInAt: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), Sessions: 3}
	if name == "bob" {
		account.Email, account.Sessions = script, 1
	}
	return account, nil
}

func (a accounts) SignOutEverywhere(_ context.Context, r sts.SignOutEverywhereRequest) (sts.Done, error) {
	if r.Session.Reveal() == "away" {
		return sts.Done{}, fault.Retryable(3*time.Second, "The STS is away.")
	}
	a.w.signedOut.Store(r.Session.Reveal(), true)
	return sts.Done{}, nil
}

// line is a way to a module, which a test can cut.
type line struct {
	rpc.Conn
	fail *atomic.Pointer[fault.Error]
}

func (l line) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	if failure := l.fail.Load(); failure != nil {
		return failure
	}
	return l.Conn.Invoke(ctx, op, request, response)
}

// browser is somebody who looks at pages. It does not follow redirects.
type browser struct {
	t    *testing.T
	w    *world
	as   string
	http *http.Client
}

func (w *world) browser(t *testing.T, as string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := *w.server.Client()
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{t, w, as, &client}
}

// page is an answer.
type page struct {
	t        *testing.T
	status   int
	header   http.Header
	body     string
	location string
}

func (b *browser) send(r *http.Request) page {
	b.t.Helper()
	if b.as != "" {
		r.AddCookie(&http.Cookie{Name: sts.SessionCookie, Value: b.as})
	}
	response, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{b.t, response.StatusCode, response.Header, string(body), response.Header.Get("Location")}
}

func (b *browser) request(method, path, body string) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.w.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *browser) get(path string) page {
	b.t.Helper()
	return b.send(b.request(http.MethodGet, path, ""))
}

// post sends a form of names and values, in turns.
func (b *browser) post(path string, fields ...string) page {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := b.request(http.MethodPost, path, form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(r)
}

// add puts something into the basket.
func (b *browser) add(category, code, qty string) {
	b.t.Helper()
	b.post("/ui/basket/add", "category", category, "code", code, "qty", qty).must(http.StatusSeeOther)
}

// form is the fields of the page's form of lines, as a browser would send them, without its buttons.
func (p page) form() (fields []string) {
	p.t.Helper()
	_, inside, _ := strings.Cut(p.body, `id="lines-form"`)
	inside, _, _ = strings.Cut(inside, "</form>")
	for _, input := range regexp.MustCompile(`<input[^>]*>`).FindAllString(inside, -1) {
		name := regexp.MustCompile(` name="([^"]*)"`).FindStringSubmatch(input)
		value := regexp.MustCompile(` value="([^"]*)"`).FindStringSubmatch(input)
		if name != nil && value != nil {
			fields = append(fields, name[1], unescape(value[1]))
		}
	}
	return fields
}

// with sets a field of a form.
func with(fields []string, changes ...string) []string {
	changed := append([]string(nil), fields...)
	for c := 0; c < len(changes); c += 2 {
		i := 0
		for i < len(changed) && changed[i] != changes[c] {
			i += 2
		}
		if i == len(changed) {
			changed = append(changed, changes[c], "")
		}
		changed[i+1] = changes[c+1]
	}
	return changed
}

func field(fields []string, name string) string {
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == name {
			return fields[i+1]
		}
	}
	return ""
}

var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&amp;", "&", "&#43;", "+")

func unescape(text string) string { return unescaper.Replace(text) }

// must checks the status, and that the page says all of the texts.
func (p page) must(status int, texts ...string) page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("got status %d, want %d: %s", p.status, status, p.body)
	}
	for _, text := range texts {
		if text == traceID {
			text = p.header.Get("X-Trace-Id")
		}
		if !strings.Contains(p.body, text) {
			p.t.Errorf("the page does not say %q:\n%s", text, p.body)
		}
	}
	return p
}

func (p page) mustNotSay(texts ...string) page {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			p.t.Errorf("the page says %q:\n%s", text, p.body)
		}
	}
	return p
}

// mustLeadTo checks a redirect after a form.
func (p page) mustLeadTo(location string) page {
	p.t.Helper()
	if p.status != http.StatusSeeOther || p.location != location {
		p.t.Fatalf("got status %d to %q, want 303 to %q: %s", p.status, p.location, location, p.body)
	}
	return p
}

// place places an order of so many of a product, and gives its id.
func (b *browser) place(category, code, qty string) string {
	b.t.Helper()
	b.add(category, code, qty)
	placed := b.post("/ui/orders", b.get("/ui/basket").form()...).must(http.StatusSeeOther)
	return strings.TrimPrefix(placed.location, "/ui/orders/")
}
