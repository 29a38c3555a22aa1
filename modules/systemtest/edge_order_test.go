package systemtest_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	orderhost "oms/modules/order/host"
	"oms/modules/system"
)

func TestAnOrderIsPlacedReadAndListed(t *testing.T) {
	e := openEdge(t)
	alice := e.token("alice")
	before := e.available(sony)
	got := e.wants(e.do("POST", "/order", bearer(alice), body(anOrder("o-1"))), 201)
	if old := e.doWith(e.old, "GET", "/order/o-1"); got.proto != 2 || old.proto != 1 {
		t.Errorf("spoken: HTTP/%d and HTTP/%d", got.proto, old.proto)
	}
	if got.header.Get("Location") != "/order/o-1" || got.body != `{"status":"Order 'o-1' created."}` {
		t.Errorf("created: %v %q", got.header, got.body)
	}
	got = e.wants(e.do("GET", "/order/o-1"), 200)
	if want := `{"id":"o-1","name":"Alice","items":[{"category":"electronics","code":"SOWH1000XM4","qty":1}]}`; got.body != want {
		t.Errorf("the public sees %s", got.body)
	}
	for _, name := range []string{"Cache-Control:no-store", "Content-Type:application/json", "X-Content-Type-Options:nosniff"} {
		name, want, _ := strings.Cut(name, ":")
		if got.header.Get(name) != want {
			t.Errorf("%s is %q, not %q", name, got.header.Get(name), want)
		}
	}
	if left := e.available(sony); left != before-1 {
		t.Errorf("%d available after, %d before", left, before)
	}
}

func TestAnOrderWithoutAnIDGetsOneThatIsInTheLocation(t *testing.T) {
	e := openEdge(t)
	order := `{"name":"A","items":[{"category":"books","code":"978-1617295959","qty":1}]}`
	first := e.wants(e.do("POST", "/order", bearer(e.token("alice")), body(order)), 201).header.Get("Location")
	second := e.wants(e.do("POST", "/order", bearer(e.token("alice")), body(order)), 201).header.Get("Location")
	if first == second || len(first) < len("/order/")+22 {
		t.Errorf("locations %q and %q", first, second)
	}
	e.wants(e.do("GET", first), 200)
}

func TestARepeatedOrderIsOneOrderWithOneEffect(t *testing.T) {
	e := openEdge(t)
	alice := e.token("alice")
	before := e.available(sony)
	first := e.wants(e.do("POST", "/order", bearer(alice), body(anOrder("again"))), 201)
	second := e.wants(e.do("POST", "/order", bearer(alice), body(anOrder("again"))), 201)
	if first.body != second.body || first.header.Get("Location") != second.header.Get("Location") {
		t.Errorf("first %+v, then %+v", first, second)
	}
	if left := e.available(sony); left != before-1 {
		t.Errorf("%d available after, %d before", left, before)
	}
	if page := e.list("", alice); len(page.Data) != 1 {
		t.Errorf("%d orders", len(page.Data))
	}
}

func TestAnIDThatIsTakenIsAConflict(t *testing.T) {
	e := openEdge(t)
	alice := e.token("alice")
	e.place("mine", alice)
	before := e.available(sony)
	for who, request := range map[string][]option{
		"another owner":   {bearer(e.token("bob")), body(anOrder("mine"))},
		"another content": {bearer(alice), body(strings.Replace(anOrder("mine"), `"qty":1`, `"qty":2`, 1))},
	} {
		if p := e.wantsProblem(e.do("POST", "/order", request...), 409, "conflict"); p.Type != "order-exists" {
			t.Errorf("%s: %+v", who, p)
		}
	}
	if left := e.available(sony); left != before {
		t.Errorf("%d available after, %d before", left, before)
	}
}

func TestOutOfStockNamesTheLines(t *testing.T) {
	e := openEdge(t)
	got := e.do("POST", "/order", bearer(e.token("alice")), body(`{"id":"big","name":"A","items":[
		{"category":"electronics","code":"SOWH1000XM4","qty":1},
		{"category":"books","code":"978-1617295959","qty":11},
		{"category":"electronics","code":"APMBA132021","qty":33}]}`))
	p := e.wantsProblem(got, 409, "conflict")
	if p.Type != "out-of-stock" || len(p.Errors) != 2 {
		t.Fatalf("%+v", p)
	}
	for i, want := range []string{"/items/1 11 10", "/items/2 33 32"} {
		f := p.Errors[i]
		if f.Requested == nil || f.Available == nil || fmt.Sprint(f.Pointer, " ", *f.Requested, " ", *f.Available) != want {
			t.Errorf("error %+v, want %s", f, want)
		}
	}
	if left := e.available(sony); left != 75 {
		t.Errorf("the line that could be had was taken: %d left", left)
	}
	e.wantsProblem(e.do("GET", "/order/big"), 404, "not_found")
}

func TestAnUnknownProductIsInvalid(t *testing.T) {
	e := openEdge(t)
	got := e.do("POST", "/order", bearer(e.token("alice")), body(`{"id":"u","name":"A","items":[
		{"category":"electronics","code":"SOWH1000XM4","qty":1},{"category":"electronics","code":"NONE","qty":1}]}`))
	if p := e.wantsProblem(got, 422, "invalid_argument"); len(p.Errors) != 1 || p.Errors[0].Pointer != "/items/1" {
		t.Errorf("%+v", p)
	}
}

type listed struct {
	Data []struct {
		ID, Name, Status, Owner string
		Version                 int64
	}
	HasMore bool `json:"has_more"`
	Next    *string
}

// list gives a page of orders.
func (e *edge) list(query, token string) (page listed) {
	e.Helper()
	got := e.wants(e.do("GET", "/order"+query, bearer(token)), 200)
	if err := json.Unmarshal([]byte(got.body), &page); err != nil {
		e.Fatal(err)
	}
	return page
}

func TestEverybodySeesWhatIsTheirs(t *testing.T) {
	e := openEdge(t)
	alice, bob, admin := e.token("alice"), e.token("bob"), e.token("admin")
	e.place("of-alice", alice)
	e.place("of-bob", bob)
	public := e.wants(e.do("GET", "/order/of-alice"), 200)
	for who, see := range map[string]struct {
		token string
		full  bool
	}{"alice": {alice, true}, "bob": {bob, false}, "admin": {admin, true}} {
		got := e.wants(e.do("GET", "/order/of-alice", bearer(see.token)), 200)
		if see.full != strings.Contains(got.body, `"owner":"alice"`) || see.full != strings.Contains(got.body, `"status":"confirmed"`) {
			t.Errorf("%s sees %s", who, got.body)
		}
		if sameView := got.header.Get("ETag") == public.header.Get("ETag"); sameView == see.full {
			t.Errorf("%s has the ETag %s, the public %s", who, got.header.Get("ETag"), public.header.Get("ETag"))
		}
	}
	if page := e.list("", alice); len(page.Data) != 1 || page.Data[0].ID != "of-alice" || page.Data[0].Owner != "alice" {
		t.Errorf("alice lists %+v", page)
	}
	if page := e.list("", bob); len(page.Data) != 1 || page.Data[0].ID != "of-bob" {
		t.Errorf("bob lists %+v", page)
	}
	if page := e.list("", admin); len(page.Data) != 2 || page.Data[0].ID != "of-bob" {
		t.Errorf("admin lists %+v, want all and the newest first", page)
	}
	if page := e.list("", e.token("admin", "add_order")); len(page.Data) != 0 {
		t.Errorf("a token without view_orders lists %+v", page)
	}
}

func TestOrdersAreNotPublicWherePublicReadIsOff(t *testing.T) {
	e := openEdge(t, func(c *system.Config) { c.Settings["order"].(*orderhost.Settings).PublicRead = false })
	alice := e.token("alice")
	e.place("private", alice)
	e.wants(e.do("GET", "/order/private", bearer(alice)), 200)
	e.wants(e.do("GET", "/order/private", bearer(e.token("admin"))), 200)
	unknown := e.wantsProblem(e.do("GET", "/order/unknown"), 404, "not_found").Detail
	for who, options := range map[string][]option{"nobody": nil, "bob": {bearer(e.token("bob"))}} {
		p := e.wantsProblem(e.do("GET", "/order/private", options...), 404, "not_found")
		if strings.ReplaceAll(p.Detail, "private", "unknown") != unknown {
			t.Errorf("%s can tell it from an unknown one: %s", who, p.Detail)
		}
	}
}

func TestPagesFollowEachOther(t *testing.T) {
	e := openEdge(t)
	alice := e.token("alice")
	for i := range 5 {
		e.place(fmt.Sprint("page-", i), alice)
	}
	var seen []string
	query, pages := "?limit=2", 0
	for {
		page := e.list(query, alice)
		pages++
		for _, o := range page.Data {
			seen = append(seen, o.ID)
		}
		if page.HasMore != (page.Next != nil) {
			t.Fatalf("%+v", page)
		}
		if !page.HasMore {
			break
		}
		query = "?limit=2&after=" + *page.Next
	}
	if got := strings.Join(seen, " "); got != "page-4 page-3 page-2 page-1 page-0" || pages != 3 {
		t.Errorf("%d pages: %s", pages, got)
	}
}

func TestParametersAreJudged(t *testing.T) {
	e := openEdge(t)
	alice := e.token("alice")
	e.list("?limit=1&after=", alice)
	for _, query := range []string{"?limit=0", "?limit=101", "?limit=-1", "?limit=x", "?limit=", "?limit=1.5", "?limit=99999999999999999999", "?limit=1&limit=2",
		"?after=x", "?after=%00", "?after=%ff", "?Limit=1", "?foo=1", "?limit=%zz", "?limit=1;after=2", "?access_token=x", "?limit[]=1"} {
		e.wantsProblem(e.do("GET", "/order"+query, bearer(alice)), 400, "malformed")
	}
	e.wantsProblem(e.do("GET", "/inventory?x=1"), 400, "malformed")
	e.wantsProblem(e.do("DELETE", "/order/x?force=1", bearer(e.token("admin"))), 400, "malformed")
}

func TestTheSameOrderFromManyAtOnceIsOneOrder(t *testing.T) {
	e := openEdge(t)
	alice := e.token("alice")
	var answers [30]reply
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = e.do("POST", "/order", bearer(alice), body(anOrder("race"))) })
	}
	all.Wait()
	for _, got := range answers {
		if got.status != 201 || got.body != `{"status":"Order 'race' created."}` {
			t.Errorf("answered %d %s", got.status, got.body)
		}
	}
	if left := e.available(sony); left != 74 {
		t.Errorf("%d available", left)
	}
	if page := e.list("", alice); len(page.Data) != 1 {
		t.Errorf("%d orders", len(page.Data))
	}
}

func TestFiftyWantTheLastOne(t *testing.T) {
	e := openEdge(t)
	alice, admin := e.token("alice"), e.token("admin")
	e.wants(e.do("POST", "/inventory/electronics/SOWH1000XM4/adjustments", bearer(admin), body(`{"delta":-74,"reason":"all but one"}`)), 200)
	var answers [50]reply
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = e.do("POST", "/order", bearer(alice), body(anOrder("race-"+strconv.Itoa(i)))) })
	}
	all.Wait()
	counts := map[int]int{}
	for _, got := range answers {
		counts[got.status]++
		if got.status == 409 {
			if p := e.wantsProblem(got, 409, "conflict"); p.Type != "out-of-stock" || len(p.Errors) != 1 {
				t.Errorf("problem %+v", p)
			}
		}
	}
	if counts[201] != 1 || counts[409] != 49 {
		t.Errorf("answers %v, want one 201 and 49 times 409", counts)
	}
	if left := e.available(sony); left != 0 {
		t.Errorf("%d available, want 0", left)
	}
	t.Logf("answers %v", counts)
}
