package host_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/modules/inventory"
	"oms/modules/inventory/host"
	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/fault"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

// stocked is a product as an operator writes it.
func stocked(code string, amount, onHand int64) inventory.StockLine {
	return inventory.StockLine{Category: "books", Code: code, Name: "Book " + code, Price: inventory.PutPrice{Amount: &amount, Currency: "EUR"}, OnHand: &onHand}
}

func administer(t *testing.T, store database.Store) rpc.Conn {
	t.Helper()
	conn, err := host.Administer(host.Operators{Store: store, Observer: rpctest.Observe(t, inventory.OperatorOperations.Operations()), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestOperatorsSetProductsAllOrNone(t *testing.T) {
	store := databasetest.Open(t, "inventory")
	conn := administer(t, store)
	set := func(lines ...inventory.StockLine) (inventory.Imported, error) {
		return inventory.Import.Call(t.Context(), conn, inventory.ImportRequest{Lines: lines})
	}
	all := func() (codes []string) {
		list, err := inventory.Export.Call(t.Context(), conn, inventory.ExportRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list.Data {
			codes = append(codes, fmt.Sprintf("%s %d %d %d", p.Code, p.Price.Amount, *p.OnHand, *p.Reserved))
		}
		return codes
	}
	if got := all(); got != nil {
		t.Errorf("at first: %q", got)
	}
	for _, c := range []struct {
		lines []inventory.StockLine
		want  inventory.Imported
	}{
		{[]inventory.StockLine{stocked("a", 100, 3), stocked("b", 200, 0)}, inventory.Imported{Added: 2}},
		{[]inventory.StockLine{stocked("a", 100, 3), stocked("b", 200, 1), stocked("c", 1, 1)}, inventory.Imported{Added: 1, Changed: 1, Same: 1}},
		{[]inventory.StockLine{stocked("b", 201, 1)}, inventory.Imported{Changed: 1}},
	} {
		if got, err := set(c.lines...); err != nil || got != c.want {
			t.Errorf("%+v, %v; want %+v", got, err, c.want)
		}
	}
	want := []string{"a 100 3 0", "b 201 1 0", "c 1 1 0"}
	if diff := cmp.Diff(want, all()); diff != "" {
		t.Error(diff)
	}
	// What brings stock has a movement by the operator; what only changes a price has none.
	moved, err := database.Read(t.Context(), store, func(tx database.Tx) ([]string, error) {
		return database.Collect(tx, func(row database.Row) (text string, err error) {
			var code, by string
			var onHand int64
			err = row.Scan(&code, &onHand, &by)
			return fmt.Sprint(code, " ", onHand, " ", by), err
		}, `SELECT code, on_hand, by_caller FROM movements ORDER BY id`)
	})
	slices.Sort(moved)
	if diff := cmp.Diff([]string{"a 3 operator", "b 1 operator", "c 1 operator"}, moved); err != nil || diff != "" {
		t.Error(err, diff)
	}

	// One line that cannot be keeps all of them out.
	service := start(t, store, time.Now, *host.DefaultSettings(), nil)
	if _, err := service.Reserve(t.Context(), inventory.ReserveRequest{Key: "k", Revision: 1, Lines: []inventory.Line{{Category: "books", Code: "a", Quantity: 2}}}); err != nil {
		t.Fatal(err)
	}
	want[0] = "a 100 3 2"
	for what, c := range map[string]struct {
		lines []inventory.StockLine
		code  fault.Code
		at    []string
	}{
		"below what is reserved": {[]inventory.StockLine{stocked("z", 1, 1), stocked("a", 100, 1)}, fault.Conflict, []string{"/lines/1/on_hand"}},
		"a product twice":        {[]inventory.StockLine{stocked("z", 1, 1), stocked("z", 1, 1), {}}, fault.InvalidArgument, []string{"/lines/2/category", "/lines/2/code", "/lines/2/name", "/lines/2/price/currency", "/lines/1/code", "/lines/2/price/amount", "/lines/2/on_hand"}},
		"nothing":                {nil, fault.InvalidArgument, []string{"/lines"}},
		"too many":               {make([]inventory.StockLine, 10_001), fault.InvalidArgument, []string{"/lines"}},
	} {
		_, err := set(c.lines...)
		var at []string
		for _, field := range fault.From(err).Fields {
			at = append(at, field.Pointer)
		}
		if fault.CodeOf(err) != c.code || !slices.Equal(at[:min(len(at), len(c.at))], c.at) {
			t.Errorf("%s: %v at %q", what, err, at)
		}
		if diff := cmp.Diff(want, all()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

// What operators do, nobody reaches at the inventory itself.
func TestOperatorsOfTheStockAreServedInTheirOwnProcessAlone(t *testing.T) {
	hosted := start(t, databasetest.Open(t, "inventory"), time.Now, *host.DefaultSettings(), nil)
	for _, operation := range inventory.OperatorOperations.Operations() {
		row := operation.Row()
		if _, served := hosted.Row(row.Name); served || !slices.Equal(row.Callers, []string{rpc.Operator}) {
			t.Errorf("%s is called by %q, and served: %v", row.Name, row.Callers, served)
		}
	}
}
