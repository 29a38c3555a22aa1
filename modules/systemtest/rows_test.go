package systemtest

import (
	"regexp"
	"testing"

	"oms/modules"
	"oms/modules/sts"
	"oms/platform/rpc"
)

// summary is one sentence that fits on a line of a document.
var summary = regexp.MustCompile(`^[A-Z][^\n]{10,98}[.]$`)

// Documents are made of rows: each says in a sentence what its operation does.
func TestEveryRowHasASummary(t *testing.T) {
	seen := map[string]string{}
	for _, operation := range append(allOperations(), sts.OperatorOperations.Operations()...) {
		row := operation.Row()
		if !summary.MatchString(row.Summary) || seen[row.Summary] != "" {
			t.Errorf("%s: the summary %q is no sentence of its own (see %s)", row.Name, row.Summary, seen[row.Summary])
		}
		seen[row.Summary] = row.Name
	}
}

// allOperations are those of every module.
func allOperations() (all []rpc.Operation) {
	for _, m := range modules.All {
		all = append(all, m.OperationsIn(modules.All)...)
	}
	return all
}
