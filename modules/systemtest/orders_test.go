package systemtest

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
	d := open(t)
	alice := d.token("alice")
	before := d.available(headphones)
	got := d.expect(d.do("POST", "/order", bearer(alice), body(orderBody("o-1"))), 201)
	if old := d.doWith(d.http1, "GET", "/order/o-1"); got.Proto != 2 || old.Proto != 1 {
		t.Errorf("spoken: HTTP/%d and HTTP/%d", got.Proto, old.Proto)
	}
	if got.Header.Get("Location") != "/order/o-1" || got.Body != `{"status":"Order 'o-1' created."}` {
		t.Errorf("created: %v %q", got.Header, got.Body)
	}
	got = d.expect(d.do("GET", "/order/o-1"), 200)
	if want := `{"id":"o-1","name":"Alice","items":[{"category":"electronics","code":"SOWH1000XM4","qty":1}]}`; got.Body != want {
		t.Errorf("the public sees %s", got.Body)
	}
	for _, name := range []string{"Cache-Control:no-store", "Content-Type:application/json", "X-Content-Type-Options:nosniff"} {
		name, want, _ := strings.Cut(name, ":")
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, not %q", name, got.Header.Get(name), want)
		}
	}
	if left := d.available(headphones); left != before-1 {
		t.Errorf("%d available after, %d before", left, before)
	}
}

func TestAnOrderWithoutAnIDGetsOneThatIsInTheLocation(t *testing.T) {
	d := open(t)
	order := `{"name":"A","items":[{"category":"books","code":"978-1617295959","qty":1}]}`
	first := d.expect(d.do("POST", "/order", bearer(d.token("alice")), body(order)), 201).Header.Get("Location")
	second := d.expect(d.do("POST", "/order", bearer(d.token("alice")), body(order)), 201).Header.Get("Location")
	if first == second || len(first) < len("/order/")+22 {
		t.Errorf("locations %q and %q", first, second)
	}
	d.expect(d.do("GET", first), 200)
}

func TestARepeatedOrderIsOneOrderWithOneEffect(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	before := d.available(headphones)
	first := d.expect(d.do("POST", "/order", bearer(alice), body(orderBody("again"))), 201)
	second := d.expect(d.do("POST", "/order", bearer(alice), body(orderBody("again"))), 201)
	if first.Body != second.Body || first.Header.Get("Location") != second.Header.Get("Location") {
		t.Errorf("first %+v, then %+v", first, second)
	}
	if left := d.available(headphones); left != before-1 {
		t.Errorf("%d available after, %d before", left, before)
	}
	if page := d.listOrders("", alice); len(page.Data) != 1 {
		t.Errorf("%d orders", len(page.Data))
	}
}

func TestAnIDThatIsTakenIsAConflict(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	d.placeOrder("mine", alice)
	before := d.available(headphones)
	for who, request := range map[string][]option{
		"another owner":   {bearer(d.token("bob")), body(orderBody("mine"))},
		"another content": {bearer(alice), body(strings.Replace(orderBody("mine"), `"qty":1`, `"qty":2`, 1))},
	} {
		if p := d.expectProblem(d.do("POST", "/order", request...), 409, "conflict"); p.Type != "/problems/order-exists" {
			t.Errorf("%s: %+v", who, p)
		}
	}
	if left := d.available(headphones); left != before {
		t.Errorf("%d available after, %d before", left, before)
	}
}

func TestOutOfStockNamesTheLines(t *testing.T) {
	d := open(t)
	got := d.do("POST", "/order", bearer(d.token("alice")), body(`{"id":"big","name":"A","items":[
		{"category":"electronics","code":"SOWH1000XM4","qty":1},
		{"category":"books","code":"978-1617295959","qty":11},
		{"category":"electronics","code":"APMBA132021","qty":33}]}`))
	p := d.expectProblem(got, 409, "conflict")
	if p.Type != "/problems/out-of-stock" || len(p.Errors) != 2 {
		t.Fatalf("%+v", p)
	}
	for i, want := range []string{"/items/1 11 10", "/items/2 33 32"} {
		f := p.Errors[i]
		if f.Requested == nil || f.Available == nil || fmt.Sprint(f.Pointer, " ", *f.Requested, " ", *f.Available) != want {
			t.Errorf("error %+v, want %s", f, want)
		}
	}
	if left := d.available(headphones); left != 75 {
		t.Errorf("the line that could be had was taken: %d left", left)
	}
	d.expectProblem(d.do("GET", "/order/big"), 404, "not_found")
}

func TestAnUnknownProductIsInvalid(t *testing.T) {
	d := open(t)
	got := d.do("POST", "/order", bearer(d.token("alice")), body(`{"id":"u","name":"A","items":[
		{"category":"electronics","code":"SOWH1000XM4","qty":1},{"category":"electronics","code":"NONE","qty":1}]}`))
	if p := d.expectProblem(got, 422, "invalid_argument"); len(p.Errors) != 1 || p.Errors[0].Pointer != "/items/1" {
		t.Errorf("%+v", p)
	}
}

type orderPage struct {
	Data []struct {
		ID, Name, Status, Owner string
		Version                 int64
	}
	HasMore bool `json:"has_more"`
	Next    *string
}

// listOrders gives a page of orders.
func (d *deployment) listOrders(query, token string) (page orderPage) {
	d.Helper()
	got := d.expect(d.do("GET", "/order"+query, bearer(token)), 200)
	if err := json.Unmarshal([]byte(got.Body), &page); err != nil {
		d.Fatal(err)
	}
	return page
}

func TestEverybodySeesWhatIsTheirs(t *testing.T) {
	d := open(t)
	alice, bob, admin := d.token("alice"), d.token("bob"), d.token("admin")
	d.placeOrder("of-alice", alice)
	d.placeOrder("of-bob", bob)
	public := d.expect(d.do("GET", "/order/of-alice"), 200)
	for who, see := range map[string]struct {
		token string
		full  bool
	}{"alice": {alice, true}, "bob": {bob, false}, "admin": {admin, true}} {
		got := d.expect(d.do("GET", "/order/of-alice", bearer(see.token)), 200)
		if see.full != strings.Contains(got.Body, `"owner":"alice"`) || see.full != strings.Contains(got.Body, `"status":"confirmed"`) {
			t.Errorf("%s sees %s", who, got.Body)
		}
		if sameView := got.Header.Get("ETag") == public.Header.Get("ETag"); sameView == see.full {
			t.Errorf("%s has the ETag %s, the public %s", who, got.Header.Get("ETag"), public.Header.Get("ETag"))
		}
	}
	if page := d.listOrders("", alice); len(page.Data) != 1 || page.Data[0].ID != "of-alice" || page.Data[0].Owner != "alice" {
		t.Errorf("alice lists %+v", page)
	}
	if page := d.listOrders("", bob); len(page.Data) != 1 || page.Data[0].ID != "of-bob" {
		t.Errorf("bob lists %+v", page)
	}
	if page := d.listOrders("", admin); len(page.Data) != 2 || page.Data[0].ID != "of-bob" {
		t.Errorf("admin lists %+v, want all and the newest first", page)
	}
	if page := d.listOrders("", d.token("admin", "add_order")); len(page.Data) != 0 {
		t.Errorf("a token without view_orders lists %+v", page)
	}
}

func TestOrdersAreNotPublicWherePublicReadIsOff(t *testing.T) {
	d := open(t, func(c *system.Config) { c.Settings["order"].(*orderhost.Settings).PublicRead = false })
	alice := d.token("alice")
	d.placeOrder("private", alice)
	d.expect(d.do("GET", "/order/private", bearer(alice)), 200)
	d.expect(d.do("GET", "/order/private", bearer(d.token("admin"))), 200)
	unknown := d.expectProblem(d.do("GET", "/order/unknown"), 404, "not_found").Detail
	for who, options := range map[string][]option{"nobody": nil, "bob": {bearer(d.token("bob"))}} {
		p := d.expectProblem(d.do("GET", "/order/private", options...), 404, "not_found")
		if strings.ReplaceAll(p.Detail, "private", "unknown") != unknown {
			t.Errorf("%s can tell it from an unknown one: %s", who, p.Detail)
		}
	}
}

func TestPagesFollowEachOther(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	for i := range 5 {
		d.placeOrder(fmt.Sprint("page-", i), alice)
	}
	var seen []string
	query, pages := "?limit=2", 0
	for {
		page := d.listOrders(query, alice)
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
	d := open(t)
	alice := d.token("alice")
	d.listOrders("?limit=1&after=", alice)
	for _, query := range []string{"?limit=0", "?limit=101", "?limit=-1", "?limit=x", "?limit=", "?limit=1.5", "?limit=99999999999999999999", "?limit=1&limit=2",
		"?after=x", "?after=%00", "?after=%ff", "?Limit=1", "?foo=1", "?limit=%zz", "?limit=1;after=2", "?access_token=x", "?limit[]=1"} {
		d.expectProblem(d.do("GET", "/order"+query, bearer(alice)), 400, "malformed")
	}
	d.expectProblem(d.do("GET", "/inventory?x=1"), 400, "malformed")
	d.expectProblem(d.do("DELETE", "/order/x?force=1", bearer(d.token("admin"))), 400, "malformed")
}

func TestTheSameOrderFromManyAtOnceIsOneOrder(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	var answers [30]Reply
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = d.do("POST", "/order", bearer(alice), body(orderBody("race"))) })
	}
	all.Wait()
	for _, got := range answers {
		if got.Status != 201 || got.Body != `{"status":"Order 'race' created."}` {
			t.Errorf("answered %d %s", got.Status, got.Body)
		}
	}
	if left := d.available(headphones); left != 74 {
		t.Errorf("%d available", left)
	}
	if page := d.listOrders("", alice); len(page.Data) != 1 {
		t.Errorf("%d orders", len(page.Data))
	}
}

func TestFiftyWantTheLastOne(t *testing.T) {
	d := open(t)
	alice, admin := d.token("alice"), d.token("admin")
	d.expect(d.do("POST", "/inventory/electronics/SOWH1000XM4/adjustments", bearer(admin), body(`{"delta":-74,"reason":"all but one"}`)), 200)
	var answers [50]Reply
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = d.do("POST", "/order", bearer(alice), body(orderBody("race-"+strconv.Itoa(i)))) })
	}
	all.Wait()
	counts := map[int]int{}
	for _, got := range answers {
		counts[got.Status]++
		if got.Status == 409 {
			if p := d.expectProblem(got, 409, "conflict"); p.Type != "/problems/out-of-stock" || len(p.Errors) != 1 {
				t.Errorf("problem %+v", p)
			}
		}
	}
	if counts[201] != 1 || counts[409] != 49 {
		t.Errorf("answers %v, want one 201 and 49 times 409", counts)
	}
	if left := d.available(headphones); left != 0 {
		t.Errorf("%d available, want 0", left)
	}
	t.Logf("answers %v", counts)
}
