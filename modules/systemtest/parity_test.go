package systemtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/parity.md promises a test for everything that can differ.
func TestEveryDifferenceThatIsToldHasItsTest(t *testing.T) {
	document, err := os.ReadFile("../../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests, scripts strings.Builder
	if err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, ".txtar"):
			scripts.WriteString(entry.Name() + "\n")
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			tests.Write(text)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
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
			if strings.HasPrefix(name[1], "Test") && !strings.Contains(tests.String(), "func "+name[1]+"(") || strings.HasSuffix(name[1], ".txtar") && !strings.Contains("\n"+scripts.String(), "\n"+name[1]+"\n") {
				t.Errorf("there is no test %s", name[1])
			}
		}
	}
	if named < 10 {
		t.Errorf("only %d tests are named", named)
	}
}
