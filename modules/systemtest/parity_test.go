package systemtest

import (
	"os"
	"strings"
	"testing"
)

// docs/parity.md promises a test for everything that can differ.
func TestEveryDifferenceThatIsToldHasItsTest(t *testing.T) {
	document, err := os.ReadFile("../../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	tests, named := readTests(t), 0
	for _, row := range strings.Split(string(document), "\n| ")[1:] {
		if strings.HasPrefix(row, "what |") || strings.HasPrefix(row, "---") {
			continue
		}
		held := namedTests(row)
		if len(held) == 0 {
			t.Errorf("no test is named for: %s", row)
		}
		for _, name := range held {
			named++
			tests.mustHave(t, name)
		}
	}
	if named < 10 {
		t.Errorf("only %d tests are named", named)
	}
}
