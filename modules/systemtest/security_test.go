package systemtest

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// leastCases is how many attacks the tests of docs/security.md list one by one.
const leastCases = 400

// docs/security.md promises tests for every class of attack, with what is known about it.
func TestEveryAttackThatIsToldHasItsTest(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## The attacks\n")
	section, _, ended := strings.Cut(section, "\n## ")
	if !found || !ended {
		t.Fatal("docs/security.md has no section of the attacks")
	}
	known := regexp.MustCompile(`CVE-\d{4}-\d{4,}|RFC \d{4} |RFC \d{4}$|CWE-\d+`)
	tests, sum, class, counts, counted := readTests(t), 0, "", map[string]int{}, map[string]bool{}
	for _, row := range strings.Split(section, "\n| ")[1:] {
		cells := strings.Split(strings.TrimSuffix(strings.TrimSpace(row), " |"), " | ")
		switch {
		case strings.HasPrefix(row, "attack |"):
			continue
		case strings.HasPrefix(row, "**"):
			class = strings.Trim(cells[0], "*")
			continue
		case len(cells) != 3 || !known.MatchString(cells[1]):
			t.Errorf("no CVE, RFC or CWE is named for: %s", row)
			continue
		}
		held := namedTests(row)
		if len(held) == 0 {
			t.Errorf("no test is named for: %s", row)
		}
		for _, name := range held {
			tests.mustHave(t, name)
			if !counted[name] {
				counted[name] = true
				counts[class] += tests.cases(name)
				sum += tests.cases(name)
			}
		}
	}
	t.Logf("%d cases are listed: %v", sum, counts)
	if sum < leastCases {
		t.Errorf("%d cases are listed, fewer than %d", sum, leastCases)
	}
}
