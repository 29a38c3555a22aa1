package systemtest_test

import (
	"regexp"
	"slices"
	"testing"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/modules/sts"
)

// summary is one sentence that fits on a line of a document.
var summary = regexp.MustCompile(`^[A-Z][^\n]{10,98}[.]$`)

// Documents are made of rows: each says in a sentence what its operation does.
func TestEveryRowHasASummary(t *testing.T) {
	seen := map[string]string{}
	for _, operation := range slices.Concat(order.Operations.Operations(), inventory.Operations.Operations(), sts.Operations.Operations(), sts.OperatorOperations.Operations()) {
		row := operation.Row()
		if !summary.MatchString(row.Summary) || seen[row.Summary] != "" {
			t.Errorf("%s: the summary %q is no sentence of its own (see %s)", row.Name, row.Summary, seen[row.Summary])
		}
		seen[row.Summary] = row.Name
	}
}
