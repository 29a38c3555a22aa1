package systemtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// existing are all tests that there are: the functions, by their names, and the scripts.
type existing struct {
	functions map[string][]*ast.FuncDecl
	scripts   map[string]bool
}

// readTests reads the sources of all tests.
func readTests(t *testing.T) existing {
	t.Helper()
	found := existing{map[string][]*ast.FuncDecl{}, map[string]bool{}}
	if err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, ".txtar"):
			found.scripts[entry.Name()] = true
		case strings.HasSuffix(path, "_test.go"):
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			for _, declaration := range file.Decls {
				if function, ok := declaration.(*ast.FuncDecl); ok && function.Recv == nil {
					found.functions[function.Name.Name] = append(found.functions[function.Name.Name], function)
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

var testName = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+|[a-z-]+\\.txtar)`")

// namedTests are the tests that the last cell of a row names.
func namedTests(row string) (names []string) {
	for _, name := range testName.FindAllStringSubmatch(row[strings.LastIndex(row, " | "):], -1) {
		names = append(names, name[1])
	}
	return names
}

func (e existing) mustHave(t *testing.T, name string) {
	t.Helper()
	if len(e.functions[name]) == 0 && !e.scripts[name] {
		t.Errorf("there is no test %s", name)
	}
}

// cases is how many cases a test lists: the entries of the tables that it goes through and the seeds that it adds. A test
// without either is one; so is a script.
func (e existing) cases(name string) (sum int) {
	for _, function := range e.functions[name] {
		ast.Inspect(function, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.RangeStmt:
				if table, ok := node.X.(*ast.CompositeLit); ok {
					sum += len(table.Elts)
				}
			case *ast.CallExpr:
				if seed, ok := node.Fun.(*ast.SelectorExpr); ok && seed.Sel.Name == "Add" && strings.HasPrefix(name, "Fuzz") {
					sum++
				}
			case *ast.CompositeLit:
				if list, ok := node.Type.(*ast.ArrayType); ok {
					if of, ok := list.Elt.(*ast.Ident); ok && of.Name == "attack" {
						sum += len(node.Elts)
					}
				}
			}
			return true
		})
	}
	return max(sum, 1)
}
