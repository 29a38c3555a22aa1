package modules_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// docs/parity.md promises a test for everything that can differ.
func TestEveryDifferenceThatIsToldHasItsTest(t *testing.T) {
	document, err := os.ReadFile("../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := exec.Command("git", "-C", "..", "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for file := range strings.Lines(string(files)) {
		file = strings.TrimSpace(file)
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile("../" + file)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(text)
	}
	named := 0
	for _, row := range strings.Split(string(document), "\n| ")[1:] {
		if strings.HasPrefix(row, "what |") || strings.HasPrefix(row, "---") {
			continue
		}
		held := regexp.MustCompile("`(Test[A-Za-z]+|[a-z-]+\\.txtar)`").FindAllStringSubmatch(row[strings.LastIndex(row, " | "):], -1)
		if len(held) == 0 {
			t.Errorf("no test is named for: %s", row)
		}
		for _, name := range held {
			named++
			if strings.HasPrefix(name[1], "Test") && !strings.Contains(tests.String(), "func "+name[1]+"(") || strings.HasSuffix(name[1], ".txtar") && !strings.Contains(string(files), "/"+name[1]+"\n") {
				t.Errorf("there is no test %s", name[1])
			}
		}
	}
	if named < 10 {
		t.Errorf("only %d tests are named", named)
	}
}
