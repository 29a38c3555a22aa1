package systemtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"oms/modules"
	"oms/platform/module"
)

type goPackage struct {
	ImportPath string
	Doc        string
	Imports    []string
	GoFiles    []string
}

// listPackages asks the go command for all packages of the product.
func listPackages(t *testing.T) (packages []goPackage) {
	t.Helper()
	command := exec.Command("go", "list", "-json=ImportPath,Doc,Imports,GoFiles", "oms/...")
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(output)))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func within(path, tree string) bool { return path == tree || strings.HasPrefix(path, tree+"/") }

// rule forbids imports; the reason is told to whoever breaks it.
type rule struct {
	reason    string
	importers func(path string) bool
	forbidden func(importer, imported string) bool
}

// contracts are the packages that other modules may see.
var contracts = contractsOf(modules.All)

func contractsOf(list []module.Module) (packages []string) {
	for _, m := range list {
		if len(m.Tables) > 0 {
			packages = append(packages, "oms/modules/"+m.Name)
		}
	}
	return packages
}

// leaves are the platform packages that a contract may speak in.
var leaves = []string{"oms/platform/constraint", "oms/platform/fault", "oms/platform/identity", "oms/platform/rpc", "oms/platform/secret", "oms/platform/token"}

func isOneOf(path string, list []string) bool {
	for _, candidate := range list {
		if path == candidate {
			return true
		}
	}
	return false
}

var rules = []rule{
	{
		"the platform serves every module and knows none, so that it can be read and changed on its own",
		func(path string) bool { return within(path, "oms/platform") },
		func(_, imported string) bool { return within(imported, "oms/modules") || within(imported, "oms/web") },
	},
	{
		"a contract is all that other modules see, so it drags nothing along: the standard library and leaf packages only",
		func(path string) bool { return isOneOf(path, contracts) },
		func(_, imported string) bool {
			return strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") || within(imported, "oms") && !isOneOf(imported, leaves)
		},
	},
	{
		"only the map wires modules together, beside the list of them, and the test helper that proves callers to all of them with a real STS; a module reaches another through its contract alone",
		func(path string) bool {
			return within(path, "oms/modules") && path != "oms/modules" && path != "oms/modules/system" && !within(path, "oms/modules/command") && path != "oms/modules/modulestest"
		},
		func(importer, imported string) bool {
			own := strings.Join(strings.SplitN(importer, "/", 4)[:3], "/")
			return within(imported, "oms/modules") && !within(imported, own) && !isOneOf(imported, contracts)
		},
	},
	{
		"pages are shown by several modules, so what they look like belongs to none",
		func(path string) bool { return within(path, "oms/web") },
		func(_, imported string) bool { return within(imported, "oms/modules") },
	},
	{
		"the router is a detail of where HTTP is spoken: changing it must touch few files",
		func(path string) bool { return path != "oms/modules/gateway" },
		func(_, imported string) bool { return within(imported, "github.com/labstack/echo") },
	},
	{
		"operations know no HTTP: what would need it belongs to a transport or to the edge",
		func(path string) bool { return path == "oms/platform/identity" },
		func(_, imported string) bool { return within(imported, "net/http") },
	},
	{
		"an engine lies behind one package; everybody else speaks SQL through package database",
		func(path string) bool { return path != "oms/platform/database/sqlite" },
		func(_, imported string) bool { return within(imported, "modernc.org/sqlite") },
	},
	{
		"golang-jwt is a codec; what a token means is decided in one place",
		func(path string) bool { return path != "oms/platform/token" },
		func(_, imported string) bool { return within(imported, "github.com/golang-jwt") },
	},
	{
		"test helpers stay in tests",
		func(path string) bool { return !strings.HasSuffix(path, "test") },
		func(_, imported string) bool {
			return within(imported, "oms") && strings.HasSuffix(imported, "test") || within(imported, "testing")
		},
	},
}

func TestImportsKeepTheRules(t *testing.T) {
	packages := listPackages(t)
	if len(packages) < 20 {
		t.Fatalf("only %d packages were looked at", len(packages))
	}
	for _, p := range packages {
		for _, rule := range rules {
			if !rule.importers(p.ImportPath) {
				continue
			}
			for _, imported := range p.Imports {
				if rule.forbidden(p.ImportPath, imported) {
					t.Errorf("%s imports %s: %s", p.ImportPath, imported, rule.reason)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range listPackages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("package %s has no comment: say what it is for, what it promises and what it does not do", p.ImportPath)
		}
	}
}
