package ordertest

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"oms/modules/order"
	"oms/platform/fault"
)

func views(t *testing.T, w world) {
	w.mustCreate(t, alice, "1", item("books", "a", 1))
	public := order.Order{ID: "1", Name: "An order", Items: []order.Item{item("books", "a", 1)}}
	var tags []string
	for who, ctx := range map[string]context.Context{"nobody": nobody, "bob": bob, "clerk": clerk} {
		got := w.get(t, ctx, "1")
		tags = append(tags, got.ETag)
		got.ETag = ""
		if diff := cmp.Diff(public, got); diff != "" {
			t.Errorf("%s sees (-want +got): %s", who, diff)
		}
	}
	for who, ctx := range map[string]context.Context{"alice": alice, "admin": admin} {
		got := w.get(t, ctx, "1")
		if got.Owner != "alice" || got.Status != order.StatusConfirmed || got.Version != 2 || got.CreatedAt == nil || got.UpdatedAt == nil {
			t.Errorf("%s sees %+v", who, got)
		}
		if got.ETag == "" || got.ETag == tags[0] {
			t.Errorf("the full view has the tag %s, the public one %s", got.ETag, tags[0])
		}
	}
	_, err := w.orders.Get(admin, order.GetRequest{ID: "2"})
	mustFail(t, "unknown id", err, fault.NotFound)
	if err := w.update(admin, "1", item("books", "a", 2)); err != nil {
		t.Fatal(err)
	}
	if got := w.get(t, nobody, "1"); got.ETag == tags[0] {
		t.Error("the tag did not change with the order")
	}
}

func private(t *testing.T, w world) {
	w.mustCreate(t, alice, "1", item("books", "a", 1))
	for who, ctx := range map[string]context.Context{"nobody": nobody, "bob": bob} {
		_, err := w.orders.Get(ctx, order.GetRequest{ID: "1"})
		mustFail(t, who, err, fault.NotFound)
	}
	w.get(t, alice, "1")
	w.get(t, admin, "1")
}

func (w world) ids(t *testing.T, ctx context.Context, r order.ListRequest) (ids []string, page order.Orders) {
	t.Helper()
	page, err := w.orders.List(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	ids = []string{}
	for _, o := range page.Data {
		ids = append(ids, o.ID)
	}
	return ids, page
}

func lists(t *testing.T, w world) {
	w.mustCreate(t, alice, "a1", item("books", "a", 1))
	w.mustCreate(t, bob, "b1", item("books", "a", 1))
	w.mustCreate(t, alice, "a2", item("books", "a", 1))
	w.mustCancel(t, "a1")
	for _, c := range []struct {
		ctx  context.Context
		want []string
	}{{alice, []string{"a2", "a1"}}, {bob, []string{"b1"}}, {clerk, []string{}}, {admin, []string{"a2", "b1", "a1"}}} {
		got, page := w.ids(t, c.ctx, order.ListRequest{})
		if diff := cmp.Diff(c.want, got); diff != "" || page.HasMore || page.Next != nil {
			t.Errorf("(-want +got) %s; more %v, next %v", diff, page.HasMore, page.Next)
		}
	}
	_, page := w.ids(t, alice, order.ListRequest{})
	if page.Data[1].Status != order.StatusCancelled || page.Data[1].Owner != "alice" {
		t.Errorf("in one's own list: %+v", page.Data[1])
	}
}

func pages(t *testing.T, w world) {
	var want []string
	for i := range 7 {
		w.mustCreate(t, alice, fmt.Sprint("o", i), item("books", "a", 1))
		want = append([]string{fmt.Sprint("o", i)}, want...)
	}
	w.mustCreate(t, bob, "b", item("books", "a", 1))
	var all []string
	request := order.ListRequest{Limit: ptr(int64(3))}
	for pages := 1; ; pages++ {
		got, page := w.ids(t, alice, request)
		all = append(all, got...)
		if !page.HasMore {
			if pages != 3 || page.Next != nil {
				t.Errorf("ended after %d pages, next %v", pages, page.Next)
			}
			break
		}
		request.After = *page.Next
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error("(-want +got)", diff)
	}
}

func badPages(t *testing.T, w world) {
	for name, r := range map[string]order.ListRequest{
		"limit 0":        {Limit: ptr(int64(0))},
		"limit 101":      {Limit: ptr(int64(101))},
		"negative limit": {Limit: ptr(int64(-1))},
		"after":          {After: "no such page"},
		"after, encoded": {After: "eA"},
	} {
		_, err := w.orders.List(alice, r)
		mustFail(t, name, err, fault.Malformed)
	}
}
