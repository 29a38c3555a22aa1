package module_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"oms/platform/module"
)

// However the list is written, modules are told in one order.
func TestTheOrderOfTheListMeansNothing(t *testing.T) {
	list := []module.Module{
		{Name: "inventory", URL: "https://localhost:9091"},
		{Name: "b", URL: "https://localhost:9092"},
		{Name: "gateway", URL: "https://localhost:9090", Public: true},
		{Name: "a", URL: "https://localhost:9092"},
		{Name: "sts", URL: "https://localhost:9445"},
		{Name: "nowhere"},
	}
	want := []string{"gateway", "sts", "a", "b", "inventory", "nowhere"}
	for range list {
		list = append(list[1:], list[0])
		if diff := cmp.Diff(want, module.Names(list)); diff != "" {
			t.Error(diff)
		}
	}
}
